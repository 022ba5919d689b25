package io.kvscale.model.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.model.TestGraph;
import io.kvscale.model.TinyModel;
import io.kvscale.tensor.InvalidDataException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Graphs whose past and present leave heads and head_dim free, with attention nodes that know their heads. */
class AttentionHeadsTest {
    private static final int F32 = 1;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                "4|2|-",
                "8|2|GroupQueryAttention has num_heads=4, config.json says 8 (num_attention_heads)",
                "4|1|GroupQueryAttention has kv_num_heads=2, config.json says 1 (num_key_value_heads)"
            })
    void headsOfGroupQueryAttentionAreCompared(int heads, int kvHeads, String misfit) {
        TestGraph graph = TestGraph.decoder(2, -1, -1, F32);
        for (int layer = 0; layer < 2; layer++) {
            graph.add(attention("GroupQueryAttention", "present." + layer + "."));
        }
        check(graph, heads, kvHeads, misfit);
    }

    @Test
    void headsOfMultiHeadAttentionAreCompared() {
        TestGraph graph = TestGraph.decoder(2, -1, -1, F32).add(attention("MultiHeadAttention", "present.0."));
        check(graph, 4, 4, null);
        check(graph, 8, 8, "MultiHeadAttention has num_heads=4, config.json says 8 (num_attention_heads)");
    }

    @Test
    void attentionThatProducesNoCacheIsNotCompared() {
        check(TestGraph.decoder(2, -1, -1, F32).add(attention("GroupQueryAttention", "image.")), 8, 1, null);
    }

    private static byte[] attention(String operator, String present) {
        return TestGraph.node(
                operator,
                List.of("query", "key", "value"),
                List.of("attended", present + "key", present + "value"),
                List.of(TestGraph.number("num_heads", 4), TestGraph.number("kv_num_heads", 2)));
    }

    /** @param misfit the only expected misfit; null if the graph fits */
    private void check(TestGraph graph, int heads, int kvHeads, String misfit) {
        String config = TestGraph.config(2, heads, 16).replace("}", ", \"num_key_value_heads\": " + kvHeads + "}");
        graph.write(folder, config);
        if (misfit == null) {
            assertThat(TinyModel.check(folder, TinyModel.GRAPH).layers()).isEqualTo(2);
        } else {
            assertThatThrownBy(() -> TinyModel.check(folder, TinyModel.GRAPH))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContaining("can run: " + misfit)
                    .hasMessageNotContaining("; ");
        }
    }
}
