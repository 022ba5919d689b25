package io.kvscale.job.checkpoint;

import io.kvscale.input.RegularFile;
import io.kvscale.input.UnusableFileException;
import io.kvscale.numeric.Dtype;
import io.kvscale.safetensors.SafetensorsHeader;
import io.kvscale.safetensors.TensorEntry;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The tensors of a checkpoint's files: their names, and the values of scales. */
final class CheckpointTensors {
    private static final int MAX_TENSORS = 2_000_000;
    /** Bounds the memory for the values of scales. A model with scales by channel has some 100,000. */
    private static final int MAX_SCALE_ELEMENTS = 1_000_000;

    private final String name;
    private final Path folder;
    private final SortedMap<String, String> names = new TreeMap<>();
    private final SortedMap<String, CheckpointScale> scales = new TreeMap<>();
    private long elements;

    CheckpointTensors(String name, Path folder) {
        this.name = name;
        this.folder = folder;
    }

    SortedMap<String, String> names() {
        return Collections.unmodifiableSortedMap(names);
    }

    SortedMap<String, CheckpointScale> scales() {
        return Collections.unmodifiableSortedMap(scales);
    }

    /** Reads the header of a file and the values of its scales. */
    void add(String file) {
        Path path = folder.resolve(file);
        String shown = CheckpointReader.shown(name, file);
        try {
            RegularFile.check(path.toFile());
            if (Files.isDirectory(path)) {
                throw new InvalidDataException("this is a folder, not a file", "name the folder of one model");
            }
            try (FileChannel in = FileChannel.open(path)) {
                List<String> own = new ArrayList<>();
                SafetensorsHeader header = header(in, tensor -> {
                    own.add(tensor);
                    return CheckpointScale.isScale(tensor);
                });
                own.forEach(tensor -> name(tensor, file));
                for (TensorEntry tensor : header.tensors()) {
                    scales.put(tensor.name(), scale(tensor, file, in));
                }
            }
        } catch (UnusableFileException e) {
            throw new InvalidDataException(e.problem().inFile(shown), e);
        } catch (InvalidDataException e) {
            throw new InvalidDataException(e.problem().inFile(shown), e);
        } catch (IOException e) {
            throw CheckpointReader.unreadable(shown, e);
        }
    }

    /** The names of scales in files that no engine reads. A file that is damaged is left out, because nobody reads it. */
    SortedMap<String, String> scalesOf(Collection<String> files) {
        SortedMap<String, String> found = new TreeMap<>();
        for (String file : files) {
            Path path = folder.resolve(file);
            if (Files.isRegularFile(path)) {
                try (FileChannel in = FileChannel.open(path)) {
                    header(in, CheckpointScale::isScale).tensors().forEach(tensor -> found.put(tensor.name(), file));
                } catch (InvalidDataException | IOException e) {
                    continue;
                }
            }
        }
        return Collections.unmodifiableSortedMap(found);
    }

    private static SafetensorsHeader header(FileChannel in, Predicate<String> wanted) throws IOException {
        return SafetensorsHeader.read(new BufferedInputStream(Channels.newInputStream(in)), in.size(), wanted);
    }

    private void name(String tensor, String file) {
        if (names.size() == MAX_TENSORS) {
            throw new InvalidDataException("the model has more than " + MAX_TENSORS + " tensors", "check its files");
        }
        String other = names.putIfAbsent(tensor, file);
        if (other != null) {
            throw new InvalidDataException(DataProblem.of(
                            "the tensor is in two files, here and in " + DataProblem.shown(other),
                            "delete the file that does not belong to the model, or write an index that names one of them")
                    .inTensor(tensor));
        }
    }

    private CheckpointScale scale(TensorEntry tensor, String file, FileChannel in) throws IOException {
        @Nullable Dtype dtype = Dtype.named(tensor.dtype()).orElse(null);
        boolean f64 = tensor.dtype().equals("F64");
        if (dtype == null && !f64) {
            return new CheckpointScale(tensor.name(), file, tensor.dtype(), tensor.shape(), null);
        }
        int size = dtype == null ? Double.BYTES : dtype.bytes();
        long count = tensor.bytes() / size;
        if (count > MAX_SCALE_ELEMENTS - elements) {
            throw new InvalidDataException(DataProblem.of(
                            "this scale has " + count + " elements; all scales of a model have at most "
                                    + MAX_SCALE_ELEMENTS,
                            "check the file: a scale has one element, or one for each head or channel")
                    .inTensor(tensor.name()));
        }
        elements += count;
        ByteBuffer bytes = ByteBuffer.allocate((int) tensor.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            if (in.read(bytes, tensor.begin() + bytes.position()) < 0) {
                throw new EOFException("the file ends within " + tensor.name());
            }
        }
        float[] values = new float[(int) count];
        for (int i = 0; i < values.length; i++) {
            values[i] = dtype == null ? (float) bytes.getDouble(i * size) : dtype.toFloat(dtype.get(bytes, i * size));
        }
        return new CheckpointScale(tensor.name(), file, tensor.dtype(), tensor.shape(), values);
    }

    /** @throws InvalidDataException if a file does not hold a tensor that the index says is there */
    void checkIndex(SortedMap<String, String> weightMap) {
        weightMap.forEach((tensor, file) -> {
            String found = names.get(tensor);
            if (!file.equals(found)) {
                throw new InvalidDataException(DataProblem.of(
                                "the index says that the tensor is in " + DataProblem.shown(file) + ", but "
                                        + (found == null
                                                ? "no file that it names holds it"
                                                : DataProblem.shown(found) + " holds it"),
                                "take the index and the files from the same download of the model")
                        .inFile(CheckpointReader.shown(name, Checkpoint.INDEX))
                        .inTensor(tensor));
            }
        });
    }
}
