package io.kvscale.model.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.model.TinyModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

class QuantizedGraphSizeTest {
    /** Room for the tag and the length of the graph in the file. */
    private static final int HEAD = 10;

    @Test
    void aGraphThatQuantizationMakesTooLargeIsRefused() throws IOException {
        byte[] bytes = Files.readAllBytes(TinyModel.FOLDER.resolve(TinyModel.GRAPH));
        ByteBuffer file = ByteBuffer.wrap(bytes.clone());
        DecoderGraph graph = DecoderGraph.read(DecoderGraph.folder(TinyModel.FOLDER), TinyModel.GRAPH, file);
        long size = graph.quantized(file, QuantizedGraphSizeTest::memory).remaining();
        assertThat(size).isGreaterThan(bytes.length);
        assertThat(graph.quantized(file, QuantizedGraphSizeTest::memory, size + HEAD)
                        .remaining())
                .isEqualTo((int) size);
        long limit = size - HEAD;
        assertThatThrownBy(() -> graph.quantized(file, QuantizedGraphSizeTest::memory, limit))
                .isInstanceOf(UnquantizableGraphException.class)
                .hasMessageContainingAll(
                        "the model's graph has " + bytes.length + " bytes, and with quantization in it more than the "
                                + limit + " that ONNX allows",
                        "file model.onnx",
                        "--attend chunks");
        assertThat(file.array()).isEqualTo(bytes);
    }

    private static ByteBuffer memory(long bytes) {
        return ByteBuffer.allocate((int) bytes);
    }
}
