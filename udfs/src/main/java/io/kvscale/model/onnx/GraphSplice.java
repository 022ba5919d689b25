package io.kvscale.model.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import io.kvscale.model.onnx.file.OnnxGraph;
import io.kvscale.model.onnx.file.OnnxGraph.Node;
import io.kvscale.model.onnx.file.OnnxReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;

/**
 * Writes an ONNX file anew with other nodes. All other bytes are copied as they are, so weights keep their values and places
 * in files beside the graph.
 */
final class GraphSplice {

    /** The greatest length of a tag and a length. */
    private static final int MOST_HEAD = 10;

    private GraphSplice() {}

    /**
     * @param file the bytes that the graph was read from; not changed
     * @param memory gives memory of a size
     * @param limit the greatest size of the new file
     * @return the new file
     * @throws UnquantizableGraphException if it would be larger
     */
    static ByteBuffer write(
            OnnxGraph graph,
            AttentionRewrite rewrite,
            ByteBuffer file,
            LongFunction<ByteBuffer> memory,
            String name,
            long limit)
            throws IOException {
        List<ByteBuffer> body = new ArrayList<>();
        long at = graph.span().from();
        for (Node node : graph.nodes()) {
            ByteString replacement = rewrite.replacements().get(node.span().tagAt());
            if (replacement != null) {
                body.add(part(file, at, node.span().tagAt()));
                body.add(replacement.asReadOnlyByteBuffer());
                at = node.span().end();
            }
        }
        body.add(part(file, at, graph.span().end()));
        body.add(rewrite.added().asReadOnlyByteBuffer());
        long length = body.stream().mapToLong(ByteBuffer::remaining).sum();
        long rest = file.limit() - (graph.span().end() - graph.span().tagAt());
        if (length + rest + MOST_HEAD > limit) {
            throw new UnquantizableGraphException(
                    "the model's graph has " + file.limit() + " bytes, and with quantization in it more than the "
                            + limit + " that ONNX allows",
                    name);
        }
        byte[] head =
                new byte[CodedOutputStream.computeTagSize(7) + CodedOutputStream.computeUInt32SizeNoTag((int) length)];
        CodedOutputStream out = CodedOutputStream.newInstance(head);
        out.writeUInt32NoTag(OnnxReader.GRAPH_TAG);
        out.writeUInt32NoTag((int) length);
        out.flush();
        ByteBuffer before = part(file, 0, graph.span().tagAt());
        ByteBuffer after = part(file, graph.span().end(), file.limit());
        ByteBuffer written = memory.apply(before.remaining() + head.length + length + after.remaining());
        written.put(before).put(head);
        body.forEach(written::put);
        return written.put(after).flip();
    }

    private static ByteBuffer part(ByteBuffer file, long from, long to) {
        return file.duplicate().position((int) from).limit((int) to);
    }
}
