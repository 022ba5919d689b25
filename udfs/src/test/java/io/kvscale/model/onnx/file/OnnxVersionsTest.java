package io.kvscale.model.onnx.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import io.kvscale.model.TestGraph;
import io.kvscale.tensor.InvalidDataException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class OnnxVersionsTest {
    private static final OrtEnvironment RUNTIME =
            OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, "kvscale");

    @Test
    void theNewestVersionsAreThoseOfOnnxRuntime() throws IOException, OrtException {
        byte[] newest = model(OnnxVersions.IR, OnnxVersions.OPERATORS);
        assertThat(OnnxReader.read(new ByteArrayInputStream(newest), "newest").nodes())
                .hasSize(1);
        RUNTIME.createSession(newest).close();
        refused(
                model(OnnxVersions.IR + 1, OnnxVersions.OPERATORS),
                "IR version 14, ONNX Runtime 1.28 loads at most 13");
        refused(
                model(OnnxVersions.IR, OnnxVersions.OPERATORS + 1),
                "operator set 27, ONNX Runtime 1.28 loads at most 26");
    }

    private static byte[] model(int ir, int operators) {
        return new TestGraph()
                .add(TestGraph.value(TestGraph.INPUT, "in", 1, 1))
                .add(TestGraph.node("Identity", List.of("in"), List.of("out")))
                .add(TestGraph.value(TestGraph.OUTPUT, "out", 1, 1))
                .versions(ir, operators)
                .model();
    }

    private static void refused(byte[] model, String message) {
        assertThatThrownBy(() -> OnnxReader.read(new ByteArrayInputStream(model), "later"))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining(message);
        assertThatThrownBy(() -> RUNTIME.createSession(model)).isInstanceOf(OrtException.class);
    }
}
