package io.kvscale.model.onnx;

import io.kvscale.model.onnx.file.OnnxGraph;
import io.kvscale.model.onnx.file.OnnxTypes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Checks weights in files beside the graph. The graph is untrusted: it may name any file of the machine. */
final class ExternalData {
    private static final String REMEDY =
            "copy the graph and its data files from one export into one folder, complete and not as links";

    private static final long MAX_SHARED = 4;
    private static final long MAX_REST = 64 << 20;

    private ExternalData() {}

    /** @throws InvalidDataException if a data file is missing, cut short, or outside the folder */
    static void check(OnnxGraph graph, String graphName, DecoderGraph.Folder folder) throws IOException {
        Map<String, Long> found = new HashMap<>();
        Map<String, Long> ends = new HashMap<>();
        for (String name : graph.externalFiles()) {
            checkName(name, graphName);
            long size = folder.size(name);
            if (size < 0) {
                throw bad("the model's data file " + DataProblem.shown(name) + " is missing", graphName);
            }
            found.put(name, size);
        }
        for (OnnxGraph.Weights weights : graph.external()) {
            if (weights.location() != null) {
                long end = checkEnd(weights, found.getOrDefault(weights.location(), 0L), weights.location());
                ends.merge(weights.location(), end, Math::max);
            }
        }
        found.forEach((name, size) -> checkRest(name, size, ends.getOrDefault(name, 0L)));
    }

    /** Every byte of a data file is hashed and copied to executors. Graphs of one export may share a file. */
    private static void checkRest(String name, long size, long end) {
        if (size > MAX_SHARED * end + MAX_REST) {
            throw bad(
                    "the model's data file has " + size + " bytes, but the graph uses only the first " + end
                            + " of them",
                    name);
        }
    }

    /** @throws InvalidDataException if the name is not a plain path below the folder */
    private static void checkName(String name, String graphName) {
        boolean plain = !name.isEmpty()
                && name.chars().noneMatch(c -> c == '\\' || c == ':' || c < ' ')
                && Arrays.stream(name.split("/", -1)).noneMatch(p -> p.isEmpty() || p.equals(".."));
        if (!plain) {
            throw bad(
                    "the model's weights are in \"" + DataProblem.shown(name) + "\", which is not below its folder",
                    graphName);
        }
    }

    /** @return where the weights end */
    private static long checkEnd(OnnxGraph.Weights weights, long found, String file) {
        long length = Math.max(weights.length(), sizeOf(weights));
        long end = weights.offset() + length;
        if (end < 0 || end > found) {
            throw bad(
                    "the model's data file is cut short: the weights " + DataProblem.shown(weights.name())
                            + " end at byte " + (end < 0 ? "2^63 or later" : end) + ", the file has " + found
                            + " bytes",
                    file);
        }
        return end;
    }

    /** Bytes by type and dims; Long.MAX_VALUE on overflow. */
    private static long sizeOf(OnnxGraph.Weights weights) {
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

    static InvalidDataException bad(String what, String file) {
        return new InvalidDataException(DataProblem.of(what, REMEDY).inFile(file));
    }
}
