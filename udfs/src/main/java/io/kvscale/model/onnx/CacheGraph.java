package io.kvscale.model.onnx;

import io.kvscale.model.onnx.file.OnnxGraph;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Removes from an ONNX file all nodes and outputs that K and V do not need, such as lm_head: ONNX Runtime runs nodes even
 * if nobody asks for their outputs.
 *
 * <p>No byte moves. The field of a node or output gets a number that GraphProto does not use, so that readers of protobuf
 * skip it. Both numbers take one byte.
 *
 * <pre>
 * before: tag 0x0a (1 node) or 0x62 (12 output) | length | message
 * after:  tag 0x1a (3, reserved)                | length | message
 * </pre>
 */
final class CacheGraph {
    private static final int RESERVED = 3 << 3 | 2;

    private CacheGraph() {}

    /** @param file the bytes that the graph was read from; changed in place */
    static void keepCacheOnly(OnnxGraph graph, ByteBuffer file) {
        Map<String, OnnxGraph.Node> producers = graph.producers();
        Set<OnnxGraph.Node> needed = new HashSet<>();
        Deque<String> open = new ArrayDeque<>();
        for (OnnxGraph.Value output : graph.outputs()) {
            if (CacheTensors.presentSlot(output.name()).isPresent()) {
                open.add(output.name());
            } else {
                drop(file, output.tagAt());
            }
        }
        while (!open.isEmpty()) {
            OnnxGraph.Node node = producers.get(open.remove());
            if (node != null && needed.add(node)) {
                open.addAll(node.uses());
            }
        }
        graph.nodes().stream()
                .filter(node -> !needed.contains(node))
                .forEach(node -> drop(file, node.span().tagAt()));
    }

    private static void drop(ByteBuffer file, long tagAt) {
        int at = (int) tagAt;
        // A varint may be longer than necessary: keep the bit that says that more bytes follow.
        file.put(at, (byte) (file.get(at) & 0x80 | RESERVED));
    }
}
