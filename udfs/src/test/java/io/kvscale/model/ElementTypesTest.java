package io.kvscale.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.model.onnx.ModelShape;
import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A model of one layer and one head without attention, whose weights lie in another file: K and V of a token are its id
 * times the weights, and so are its logits.
 */
class ElementTypesTest {
    private static final int F32 = 1;
    private static final float[] WEIGHTS = {1, -0.5f, 0.1f, 3};

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"1, F32, 7", "10, F16, 7", "16, BF16, 7", "1, F32, 6", "10, F16, 6"})
    void cachesLogitsAndIdsOfEveryTypeComeThrough(int type, Dtype dtype, int idType) throws IOException {
        write(type, idType, 1, 4, 1);
        try (DecoderModel model = DecoderModel.open(folder, TinyModel.GRAPH, Outputs.CACHE_AND_LOGITS);
                DecoderRun run = model.newRun()) {
            assertThat(model.shape()).isEqualTo(new ModelShape(1, 1, 4, 4, 64, dtype));
            run.begin(2);
            run.feed(new int[][] {{1, 2}, {3, 0}});
            assertThat(values(run.present(new Slot(0, Role.KEY)))).isEqualTo(products(dtype, 1, 2, 3, 0));
            run.feed(new int[][] {{3}, {2}});
            assertThat(values(run.present(new Slot(0, Role.VALUE)))).isEqualTo(products(dtype, 1, 2, 3, 3, 0, 2));
            assertThat(values(run.logits())).isEqualTo(products(dtype, 3, 2));
        }
    }

    private static float[] products(Dtype dtype, int... ids) {
        float[] products = new float[ids.length * WEIGHTS.length];
        for (int i = 0; i < products.length; i++) {
            products[i] = dtype.round(ids[i / WEIGHTS.length] * WEIGHTS[i % WEIGHTS.length]);
        }
        return products;
    }

    private static float[] values(KvTensor tensor) {
        float[] values = new float[tensor.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = tensor.value(i);
        }
        return values;
    }

    private static float[] values(FloatBuffer buffer) {
        float[] values = new float[buffer.remaining()];
        buffer.get(0, values);
        return values;
    }

    /** The graph computes 1 head of head_dim 4 and declares both sizes free: only the run can tell. */
    @ParameterizedTest
    @CsvSource({"1, 8", "1, 2", "2, 4", "2, 2", "4, 1"})
    void aConfigWithOtherSizesThanTheGraphFailsInTheFirstRun(int heads, int headDim) throws IOException {
        write(F32, 7, -1, -1, heads);
        Path config = folder.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace("\"head_dim\": 4", "\"head_dim\": " + headDim));
        try (DecoderModel model = DecoderModel.open(folder, TinyModel.GRAPH, Outputs.CACHE);
                DecoderRun run = model.newRun()) {
            run.begin(1);
            assertThatThrownBy(() -> run.feed(new int[][] {{1, 2, 3}}))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContaining("ONNX Runtime failed while running the model")
                    .hasMessageContaining("num_key_value_heads and head_dim in config.json");
            assertThatThrownBy(() -> run.present(new Slot(0, Role.KEY))).isInstanceOf(IllegalStateException.class);
        }
    }

    private void write(int type, int idType, int heads, int headDim, int configHeads) throws IOException {
        TestGraph graph = new TestGraph()
                .add(TestGraph.value(TestGraph.INPUT, "input_ids", idType, -1, -1))
                .add(TestGraph.value(TestGraph.INPUT, "attention_mask", idType, -1, -1))
                .add(TestGraph.numbers("last", 2))
                .add(TestGraph.numbers("heads", 1))
                .add(TestGraph.external(F32, new long[] {4}, "location", "data", "offset", "4", "length", "16"))
                .add(TestGraph.node("Cast", List.of("input_ids"), List.of("ids"), "to", F32))
                .add(TestGraph.node("Unsqueeze", List.of("ids", "last"), List.of("column")))
                .add(TestGraph.node("Mul", List.of("column", "weights"), List.of("product")))
                .add(TestGraph.node("Cast", List.of("product"), List.of("logits"), "to", type))
                .add(TestGraph.value(TestGraph.OUTPUT, "logits", type, -1, -1, 4))
                .add(TestGraph.node("Unsqueeze", List.of("logits", "heads"), List.of("new")));
        for (String role : List.of("key", "value")) {
            String past = "past_key_values.0." + role;
            String present = "present.0." + role;
            graph.add(TestGraph.value(TestGraph.INPUT, past, type, -1, heads, -1, headDim))
                    .add(TestGraph.node("Concat", List.of(past, "new"), List.of(present), "axis", 2))
                    .add(TestGraph.value(TestGraph.OUTPUT, present, type, -1, heads, -1, headDim));
        }
        graph.write(folder, TestGraph.config(1, configHeads, 4).replace("512", "4"));
        ByteBuffer data = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN).putFloat(Float.NaN);
        for (float weight : WEIGHTS) {
            data.putFloat(weight);
        }
        Files.write(folder.resolve("data"), data.array());
    }
}
