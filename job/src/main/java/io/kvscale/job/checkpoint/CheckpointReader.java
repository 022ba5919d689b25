package io.kvscale.job.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.input.ReadFailure;
import io.kvscale.input.RegularFile;
import io.kvscale.input.UnusableFileException;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Reads a {@link Checkpoint}: the listing, the JSON files and the index. {@link CheckpointTensors} reads the headers. */
final class CheckpointReader {
    private static final int MAX_ENTRIES = 100_000;
    private static final int MAX_JSON_BYTES = 16 << 20;
    /** Bounds the memory for an index, or for a description with an entry for each tensor. */
    private static final int MAX_LIST_BYTES = 128 << 20;

    private static final String WEIGHT_MAP = "weight_map";
    private static final String INDEX_REMEDY = "take the index from the model's original folder, or write it again";

    private final String name;
    private final Path folder;

    CheckpointReader(String name) {
        this.name = name;
        try {
            folder = Path.of(name);
        } catch (InvalidPathException e) {
            throw new InvalidDataException(
                    DataProblem.of("this is not the path of a folder", "name a local folder")
                            .inFile(name),
                    e);
        }
    }

    static String shown(String folder, String file) {
        return folder + (folder.endsWith("/") ? "" : "/") + file;
    }

    Checkpoint read() {
        SortedSet<String> entries = entries();
        ObjectNode config = json(entries, Checkpoint.CONFIG, MAX_JSON_BYTES);
        if (config == null) {
            throw problem(
                    "the folder has no config.json",
                    "name the folder of a Hugging Face model: config.json beside *.safetensors");
        }
        ObjectNode index = json(entries, Checkpoint.INDEX, MAX_LIST_BYTES);
        SortedMap<String, String> weightMap = index == null ? new TreeMap<>() : weightMap(index);
        SortedSet<String> all = new TreeSet<>(entries);
        // Python's glob("*.safetensors") leaves out names that begin with a dot.
        all.removeIf(entry -> !entry.endsWith(Checkpoint.SAFETENSORS) || entry.startsWith("."));
        SortedSet<String> read = index == null ? all : new TreeSet<>(weightMap.values());
        if (read.isEmpty()) {
            throw withoutFiles(entries);
        }
        CheckpointTensors tensors = new CheckpointTensors(name, folder);
        for (String file : read) {
            if (!Files.exists(folder.resolve(file))) {
                throw absent(file, weightMap);
            }
            tensors.add(file);
        }
        tensors.checkIndex(weightMap);
        SortedSet<String> unread = new TreeSet<>(all);
        unread.removeAll(read);
        return new Checkpoint(
                name,
                folder,
                config,
                model(),
                json(entries, Checkpoint.HF_QUANT_CONFIG, MAX_JSON_BYTES),
                json(entries, Checkpoint.ASCEND_DESCRIPTION, MAX_LIST_BYTES),
                index,
                List.copyOf(read),
                List.copyOf(unread),
                tensors.names(),
                tensors.scales(),
                tensors.scalesOf(unread),
                leavingLinks(entries));
    }

    private SortedSet<String> entries() {
        SortedSet<String> entries = new TreeSet<>();
        try (DirectoryStream<Path> listing = Files.newDirectoryStream(folder)) {
            for (Path entry : listing) {
                if (entries.size() == MAX_ENTRIES) {
                    throw problem(
                            "the folder has more than " + MAX_ENTRIES + " entries", "name the folder of one model");
                }
                entries.add(entry.getFileName().toString());
            }
        } catch (IOException e) {
            boolean file = Files.isRegularFile(folder);
            throw new InvalidDataException(
                    DataProblem.of(
                                    file
                                            ? "this is a file, not the folder of a model"
                                            : "the folder cannot be read: " + ReadFailure.reason(e),
                                    "name a local folder with config.json and *.safetensors; download a hub model first")
                            .inFile(name),
                    e);
        }
        return entries;
    }

    /** A file of the folder as a JSON object; null if there is none. */
    private @Nullable ObjectNode json(SortedSet<String> entries, String file, int most) {
        byte[] bytes = entries.contains(file) ? bytes(file, most) : null;
        return bytes == null ? null : CheckpointJson.read(bytes, shown(name, file));
    }

    private byte[] bytes(String file, int most) {
        String shown = shown(name, file);
        try {
            Path path = folder.resolve(file);
            RegularFile.check(path.toFile());
            byte[] bytes;
            try (InputStream in = Files.newInputStream(path)) {
                bytes = in.readNBytes(most + 1);
            }
            if (bytes.length > most) {
                throw new InvalidDataException(DataProblem.of(
                                "the file has more than " + most + " bytes", "take it from the model's original folder")
                        .inFile(shown));
            }
            return bytes;
        } catch (UnusableFileException e) {
            throw new InvalidDataException(e.problem().inFile(shown), e);
        } catch (IOException e) {
            throw unreadable(shown, e);
        }
    }

    private @Nullable ModelConfig model() {
        try {
            return ModelConfig.parse(bytes(Checkpoint.CONFIG, MAX_JSON_BYTES), Checkpoint.CONFIG);
        } catch (InvalidDataException e) {
            return null;
        }
    }

    static InvalidDataException unreadable(String shown, IOException e) {
        return new InvalidDataException(
                DataProblem.of("the file cannot be read: " + ReadFailure.reason(e), "check it and its permissions")
                        .inFile(shown),
                e);
    }

    /** The file of each tensor. The names of files are plain names, so that nothing outside the folder is read. */
    private SortedMap<String, String> weightMap(ObjectNode index) {
        JsonNode map = index.path(WEIGHT_MAP);
        String shown = shown(name, Checkpoint.INDEX);
        if (!map.isObject() || map.isEmpty()) {
            throw new InvalidDataException(
                    DataProblem.of("the index has no weight_map that names the file of each tensor", INDEX_REMEDY)
                            .inFile(shown));
        }
        SortedMap<String, String> files = new TreeMap<>();
        for (Map.Entry<String, JsonNode> entry : map.properties()) {
            if (!entry.getValue().isTextual() || !isPlainName(entry.getValue().textValue())) {
                throw new InvalidDataException(DataProblem.of(
                                "weight_map names the file "
                                        + DataProblem.shown(entry.getValue().toString())
                                        + ", expected the plain name of a file in the folder",
                                INDEX_REMEDY)
                        .inFile(shown)
                        .inTensor(entry.getKey()));
            }
            files.put(entry.getKey(), entry.getValue().textValue());
        }
        return files;
    }

    private static boolean isPlainName(String file) {
        return !file.isEmpty()
                && !file.equals(".")
                && !file.equals("..")
                && file.chars().noneMatch(c -> c == '/' || c == '\\' || c == 0);
    }

    private InvalidDataException withoutFiles(SortedSet<String> entries) {
        List<String> others = entries.stream()
                .filter(entry -> entry.endsWith(".bin")
                        || entry.endsWith(".gguf")
                        || entry.endsWith(".pt")
                        || entry.endsWith(".pth"))
                .limit(3)
                .toList();
        return problem(
                "the folder has no *.safetensors" + (others.isEmpty() ? "" : ", only " + String.join(", ", others)),
                others.isEmpty()
                        ? "name the folder with the model's weights"
                        : "convert the weights to safetensors; save_pretrained of transformers writes them");
    }

    private InvalidDataException absent(String file, SortedMap<String, String> weightMap) {
        List<String> tensors = new ArrayList<>();
        weightMap.forEach((tensor, in) -> {
            if (in.equals(file)) {
                tensors.add(tensor);
            }
        });
        boolean link = Files.isSymbolicLink(folder.resolve(file));
        DataProblem problem = DataProblem.of(
                        (link ? "the file is a link to a file that does not exist" : "the file does not exist")
                                + (tensors.isEmpty()
                                        ? ""
                                        : ", but the index names it for " + tensors.size() + " tensors"),
                        "download or copy the whole model again")
                .inFile(shown(name, file));
        return new InvalidDataException(tensors.isEmpty() ? problem : problem.inTensor(tensors.get(0)));
    }

    private SortedMap<String, String> leavingLinks(SortedSet<String> entries) {
        SortedMap<String, String> leaving = new TreeMap<>();
        try {
            Path real = folder.toRealPath();
            for (String entry : entries) {
                Path path = folder.resolve(entry);
                if (Files.isSymbolicLink(path)) {
                    Path target = target(path);
                    if (!target.startsWith(real)) {
                        leaving.put(entry, target.toString());
                    }
                }
            }
        } catch (IOException e) {
            throw unreadable(name, e);
        }
        return Collections.unmodifiableSortedMap(leaving);
    }

    /** The end of a chain of links; what the link says if there is none. */
    private static Path target(Path link) throws IOException {
        try {
            return link.toRealPath();
        } catch (IOException e) {
            return link.resolveSibling(Files.readSymbolicLink(link))
                    .toAbsolutePath()
                    .normalize();
        }
    }

    private InvalidDataException problem(String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy).inFile(name));
    }
}
