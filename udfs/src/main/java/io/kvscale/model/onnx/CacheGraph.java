package io.kvscale.model.onnx;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Takes out of an ONNX file all that K and V do not need, lm_head above all: ONNX Runtime runs nodes even where nobody
 * asks for what they give.
 *
 * <p>Nothing moves: the field of a node or output is given a number that GraphProto does not have, which every reader of
 * protobuf skips. Both numbers take one byte.
 *
 * <pre>
 * field:  tag 0x0a (1 node) or 0x62 (12 output) | length | message
 * after:  tag 0x1a (3, reserved)                | length | message
 * </pre>
 */
public final class CacheGraph {
    private static final int RESERVED = 3 << 3 | 2;

    private CacheGraph() {}

    /** @param file the bytes that the graph was read from; changed in place */
    public static void keepCacheOnly(OnnxGraph graph, ByteBuffer file) {
        Map<String, OnnxNode> makers = graph.makers();
        Set<OnnxNode> needed = new HashSet<>();
        Deque<String> open = new ArrayDeque<>();
        for (OnnxValue output : graph.outputs()) {
            if (CacheTensors.ofPresent(output.name()).isPresent()) {
                open.add(output.name());
            } else {
                drop(file, output.tagAt());
            }
        }
        while (!open.isEmpty()) {
            OnnxNode node = makers.get(open.remove());
            if (node != null && needed.add(node)) {
                open.addAll(node.uses());
            }
        }
        graph.nodes().stream().filter(node -> !needed.contains(node)).forEach(node -> drop(file, node.tagAt()));
    }

    private static void drop(ByteBuffer file, long tagAt) {
        int at = (int) tagAt;
        // A tag may be spelled longer than it need be: the mark that more bytes follow stays.
        file.put(at, (byte) (file.get(at) & 0x80 | RESERVED));
    }
}
