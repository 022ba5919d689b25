package io.kvscale.model;

import io.kvscale.model.onnx.OnnxGraph;
import io.kvscale.model.onnx.OnnxTensorEntry;
import io.kvscale.model.onnx.OnnxTypes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Weights that lie in files beside the graph. The graph is untrusted: it may name any file of the machine. */
final class ExternalData {
    private static final String REMEDY = "copy graph and data files of one export into one folder, whole and as files";

    private ExternalData() {}

    /** Where data files lie. */
    interface Sizes {
        /** The bytes of a file below the model's folder; -1 if there is none. */
        long of(String name) throws IOException;
    }

    /** @throws InvalidDataException if a data file is missing, cut short, or outside of the folder */
    static void check(OnnxGraph graph, String graphName, Sizes sizes) throws IOException {
        Map<String, Long> found = new HashMap<>();
        for (String name : graph.externalFiles()) {
            checkName(name, graphName);
            long size = sizes.of(name);
            if (size < 0) {
                throw bad("the model's data file " + DataProblem.shown(name) + " is missing", graphName);
            }
            found.put(name, size);
        }
        for (OnnxTensorEntry weights : graph.external()) {
            if (weights.location() != null) {
                checkEnd(weights, found.getOrDefault(weights.location(), 0L), weights.location());
            }
        }
    }

    /** The sizes of files in a local folder; ONNX Runtime takes no link out of it. */
    static Sizes in(Path folder, String graphName) {
        return name -> {
            Path file = folder.resolve(name);
            if (!Files.isRegularFile(file)) {
                return -1;
            }
            if (!file.toRealPath().startsWith(folder.toRealPath())) {
                throw bad(
                        "the model's data file " + DataProblem.shown(name) + " is a link out of its folder", graphName);
            }
            return Files.size(file);
        };
    }

    /** @throws InvalidDataException if it is anything but a plain path below the folder */
    private static void checkName(String name, String graphName) {
        boolean plain = !name.isEmpty()
                && name.chars().noneMatch(c -> c == '\\' || c == ':' || c < ' ')
                && Arrays.stream(name.split("/", -1)).noneMatch(p -> p.isEmpty() || p.equals(".."));
        if (!plain) {
            throw bad(
                    "the model's weights lie in \"" + DataProblem.shown(name) + "\", which is not below its folder",
                    graphName);
        }
    }

    private static void checkEnd(OnnxTensorEntry weights, long found, String file) {
        long length = Math.max(weights.length(), sizeOf(weights));
        long end = weights.offset() + length;
        if (end < 0 || end > found) {
            throw bad(
                    "the model's data file is cut short: the weights " + DataProblem.shown(weights.name())
                            + " end at byte " + (end < 0 ? "2^63 or later" : end) + ", the file has " + found
                            + " bytes",
                    file);
        }
    }

    /** Bytes by type and dims; the largest long where that is beyond all files. */
    private static long sizeOf(OnnxTensorEntry weights) {
        long bits = OnnxTypes.bits(weights.elementType());
        for (long dim : weights.dims()) {
            long size = Math.max(0, dim);
            if (size != 0 && bits > Long.MAX_VALUE / size) {
                return Long.MAX_VALUE;
            }
            bits *= size;
        }
        return bits / 8 + (bits % 8 == 0 ? 0 : 1);
    }

    private static InvalidDataException bad(String what, String file) {
        return new InvalidDataException(DataProblem.of(what, REMEDY).inFile(file));
    }
}
