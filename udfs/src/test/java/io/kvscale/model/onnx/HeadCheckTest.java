package io.kvscale.model.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.model.DecoderModel;
import io.kvscale.model.TestGraph;
import io.kvscale.model.TinyModel;
import io.kvscale.tensor.InvalidDataException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Graphs whose past and present leave heads and head_dim free. */
class HeadCheckTest {
    private static final int F32 = 1;
    private static final String CONFIG = config(4, 2, 16);

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                "4|2|16|-",
                "4|2|24|weights of 128 columns for Q, K and V, 8 heads of head_dim 24 by config.json take 192",
                "8|2|16|GroupQueryAttention whose num_heads is 4, num_attention_heads is 8 by config.json",
                "4|1|16|GroupQueryAttention whose kv_num_heads is 2, num_key_value_heads is 1 by config.json"
            })
    void packedProjectionsOfTheBuilderSayTheirHeads(int heads, int kvHeads, int headDim, String misfit) {
        for (byte[] product : List.of(matMul(), nBits(128))) {
            TestGraph graph = free().add(TestGraph.weights("weights", 48, 128))
                    .add(TestGraph.weights("bias", 128))
                    .add(product)
                    .add(TestGraph.node("Add", List.of("product", "bias"), List.of("qkv")))
                    .add(attention("qkv", "", ""));
            said(graph, config(heads, kvHeads, headDim), misfit);
        }
    }

    @Test
    void projectionsThatAreApartSayThoseOfV() {
        // K is normed on its way, as in Qwen3; Q is twice as wide, as where half of it is a gate.
        TestGraph graph = free().add(TestGraph.weights("weights", 48, 32))
                .add(matMul())
                .add(attention("gated", "normed", "product"));
        said(graph, CONFIG, null);
        said(graph, config(4, 2, 24), "weights of 32 columns, 2 heads of head_dim 24 by config.json take 48");
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain", "turned", "gemm", "f16"})
    void projectionsOfOptimumSayTheirColumns(String form) {
        TestGraph graph = free();
        switch (form) {
            case "turned" ->
                graph.add(TestGraph.weights("stored", 32, 48))
                        .add(TestGraph.node("Transpose", List.of("stored"), List.of("weights")))
                        .add(matMul());
            case "gemm" ->
                graph.add(TestGraph.weights("weights", 32, 48))
                        .add(TestGraph.node("Gemm", List.of("hidden", "weights"), List.of("product"), "transB", 1));
            default -> graph.add(TestGraph.weights("weights", 48, 32)).add(matMul());
        }
        concatenated(graph, form.equals("f16"));
        said(graph, CONFIG, null);
        said(graph, config(4, 1, 16), "weights of 32 columns, 1 heads of head_dim 16 by config.json take 16");
        said(graph, config(4, 2, 8), "weights of 32 columns, 2 heads of head_dim 8 by config.json take 16");
    }

    @Test
    void whatDoesNotLeadStraightToOneMatrixSaysNothing() {
        String other = config(4, 2, 24);
        TestGraph packed = free().add(TestGraph.weights("weights", 48, 128))
                .add(matMul())
                .add(TestGraph.node("Slice", List.of("product", "from", "to"), List.of("sliced")))
                .add(TestGraph.node(
                        "Concat", List.of("past_key_values.0.value", "sliced"), List.of("present.0.value")));
        said(packed, other, null);
        TestGraph repeated = free().add(TestGraph.weights("weights", 48, 32))
                .add(matMul())
                .add(TestGraph.node("Expand", List.of("product", "shape"), List.of("expanded")))
                .add(TestGraph.node(
                        "Concat", List.of("past_key_values.0.value", "expanded"), List.of("present.0.value")));
        said(repeated, other, null);
        TestGraph lora = free().add(TestGraph.weights("weights", 48, 32))
                .add(matMul())
                .add(TestGraph.node("Add", List.of("product", "low"), List.of("present.0.value")));
        said(lora, other, null);
        said(
                free().add(TestGraph.node("Identity", List.of("present.0.value"), List.of("present.0.value"))),
                other,
                null);
        said(free().add(matMul()).add(attention("product", "", "")), other, null);
        said(free().add(TestGraph.node("GroupQueryAttention", List.of(), List.of("present.0.value"))), other, null);
        said(free().add(TestGraph.node("Cast", List.of(), List.of("present.0.value"))), other, null);
    }

    private static TestGraph free() {
        return TestGraph.decoder(1, -1, -1, F32);
    }

    private static byte[] matMul() {
        return TestGraph.node("MatMul", List.of("hidden", "weights"), List.of("product"));
    }

    private static byte[] nBits(long columns) {
        return TestGraph.node("MatMulNBits", List.of("hidden", "codes", "scales"), List.of("product"), "N", columns);
    }

    private static byte[] attention(String query, String key, String value) {
        return TestGraph.node(
                "GroupQueryAttention",
                List.of(query, key, value, "past_key_values.0.key", "past_key_values.0.value"),
                List.of("attended", "present.0.key", "present.0.value"),
                List.of(TestGraph.number("num_heads", 4), TestGraph.number("kv_num_heads", 2)));
    }

    private static void concatenated(TestGraph graph, boolean cast) {
        graph.add(TestGraph.node("Reshape", List.of("product", "shape"), List.of("apart")))
                .add(TestGraph.node("Transpose", List.of("apart"), List.of("v")))
                .add(TestGraph.node("Cast", List.of("past_key_values.0.value"), List.of("past")))
                .add(TestGraph.node(
                        "Concat",
                        List.of(cast ? "past" : "past_key_values.0.value", "v"),
                        List.of(cast ? "all" : "present.0.value")));
        if (cast) {
            graph.add(TestGraph.node("Cast", List.of("all"), List.of("present.0.value")));
        }
    }

    private static String config(int heads, int kvHeads, int headDim) {
        return TestGraph.config(1, heads, headDim).replace("}", ", \"num_key_value_heads\": " + kvHeads + "}");
    }

    /** @param misfit the only one; null if the graph fits */
    private void said(TestGraph graph, String config, String misfit) {
        graph.write(folder, config);
        if (misfit == null) {
            assertThat(DecoderModel.check(folder, TinyModel.GRAPH).layers()).isEqualTo(1);
        } else {
            assertThatThrownBy(() -> DecoderModel.check(folder, TinyModel.GRAPH))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContaining("can be run: present.0.value is ")
                    .hasMessageContaining(misfit)
                    .hasMessageNotContaining("; present");
        }
    }
}
