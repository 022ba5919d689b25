package io.kvscale.task;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.safetensors.SafetensorsWriter;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/** A folder of captures that a test writes, and the tasks that read it in pieces. */
public final class CaptureCorpus {
    public static final QuantizationScheme SCHEME = QuantizationScheme.fp8();

    public final Path folder;
    public final Random random;
    public CaptureOptions options = CaptureOptions.defaults();
    public Configuration configuration = new Configuration();
    public SlotSchemes schemes = SlotSchemes.of(SCHEME);
    public StatisticsKind kind = StatisticsKind.RANGE;

    public CaptureCorpus(Path folder, long seed) {
        this.folder = folder;
        this.random = new Random(seed);
    }

    /** The merged states of some tasks. */
    public record Merged(
            CalibrationStatistics statistics, @Nullable DataProblem problem, List<Geometries> geometries) {}

    public byte[] values(String dtype, long count) {
        int bytes = dtype.equals("F32") ? 4 : 2;
        ByteBuffer values = ByteBuffer.allocate((int) count * bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (values.hasRemaining()) {
            float x = (float) random.nextGaussian();
            switch (dtype) {
                case "F32" -> values.putFloat(x);
                case "BF16" -> values.putShort((short) (Float.floatToRawIntBits(x) >>> 16));
                default -> values.putShort((short) (random.nextInt(0x7c00) | random.nextInt(2) << 15));
            }
        }
        return values.array();
    }

    public SafetensorsWriter tensor(SafetensorsWriter to, String name, String dtype, Long... shape) {
        long count = 1;
        for (long dimension : shape) {
            count *= dimension;
        }
        return to.add(name, dtype, List.of(shape), values(dtype, count));
    }

    public void write(String name, SafetensorsWriter writer) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            writer.writeTo(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        write(name, bytes.toByteArray());
    }

    public void write(String name, byte[] bytes) {
        try {
            Path file = folder.resolve(name);
            Files.createDirectories(file.getParent());
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A file whose data begins at an odd byte: the format allows it, but the writer never does it. */
    public void writeAtOddOffset(String name, String tensor, String dtype, List<Long> shape, byte[] data) {
        String json = "{\"" + tensor + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":[0,"
                + data.length + "]}}";
        byte[] header = (json.length() % 2 == 0 ? json + " " : json).getBytes(StandardCharsets.UTF_8);
        write(
                name,
                ByteBuffer.allocate(8 + header.length + data.length)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(header.length)
                        .put(header)
                        .put(data)
                        .array());
    }

    public List<InputFile> files() {
        return CaptureListing.of(List.of(folder.toString()), configuration).files();
    }

    public Merged whole() {
        return merged(List.of(
                run(files().stream().map(f -> new FilePiece(f, 0, f.length())).toList())));
    }

    /** Cuts all files, deals the pieces out to tasks and merges their states. */
    public Merged cut(Cuts cuts, int tasks, boolean shuffled) {
        List<FilePiece> pieces = new ArrayList<>();
        for (InputFile file : files()) {
            TreeSet<Long> at = new TreeSet<>(cuts.of(file));
            at.add(file.length());
            if (file.length() == 0) {
                pieces.add(new FilePiece(file, 0, 0));
            } else {
                at.add(0L);
            }
            Long from = null;
            for (long to : at) {
                if (from != null) {
                    pieces.add(new FilePiece(file, from, to));
                }
                from = to;
            }
        }
        if (shuffled) {
            java.util.Collections.shuffle(pieces, random);
        }
        List<List<FilePiece>> dealt = new ArrayList<>();
        for (int i = 0; i < tasks; i++) {
            dealt.add(new ArrayList<>());
        }
        pieces.forEach(piece -> dealt.get(random.nextInt(tasks)).add(piece));
        return merged(dealt.stream().map(this::run).toList());
    }

    /** Chooses where a file is cut. */
    public interface Cuts {
        Collection<Long> of(InputFile file);
    }

    public Cuts randomCuts(int most) {
        return file -> random.longs(random.nextInt(most), 0, Math.max(1, file.length()))
                .boxed()
                .toList();
    }

    public TaskState run(List<FilePiece> pieces) {
        return CalibrationTask.run(
                new Split(new ArrayList<>(pieces)),
                schemes,
                kind,
                options,
                configuration,
                CaptureReader.Depth.VALUES,
                bytes -> {},
                failure -> {});
    }

    public Merged merged(List<TaskState> outcomes) {
        CalibrationStatistics statistics = new CalibrationStatistics();
        DataProblem problem = null;
        java.util.TreeMap<io.kvscale.tensor.Slot, Geometries> geometries = new java.util.TreeMap<>();
        for (TaskState outcome : outcomes) {
            statistics.merge(
                    CalibrationStatistics.fromByteArray(outcome.statistics().toByteArray()));
            DataProblem other = outcome.problem();
            problem = problem == null || (other != null && other.compareTo(problem) < 0) ? other : problem;
            outcome.geometries().forEach((slot, seen) -> geometries.merge(slot, seen, Geometries::merge));
        }
        return new Merged(statistics, problem, List.copyOf(geometries.values()));
    }
}
