package io.kvscale.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.model.onnx.ModelShape;
import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelCheckTest {
    private static final int F32 = 1;
    private static final int F16 = 10;
    private static final int BF16 = 16;

    @TempDir
    private Path folder;

    @Test
    void theTinyModelIsADecoder() {
        ModelShape shape = TinyModel.check(TinyModel.FOLDER, TinyModel.GRAPH);
        assertThat(shape).isEqualTo(new ModelShape(3, 2, 16, 512, 1024, Dtype.F32));
        assertThat(shape.bytesPerToken()).isEqualTo(3 * 2 * 2 * 16 * 4);
    }

    @Test
    void freeDimensionsComeFromConfigJson() {
        assertThat(checked(TestGraph.decoder(2, -1, -1, BF16), TestGraph.config(2, 4, 8)))
                .isEqualTo(new ModelShape(2, 4, 8, 512, 64, Dtype.BF16));
    }

    @Test
    void configJsonMayUseTextConfigAndOmitHeadDim() {
        String config = "{\"vocab_size\": 7, \"text_config\": {\"num_hidden_layers\": 1, \"num_attention_heads\": 6, "
                + "\"num_key_value_heads\": 2, \"hidden_size\": 48, \"vocab_size\": 512, "
                + "\"max_position_embeddings\": 64}}";
        assertThat(checked(TestGraph.decoder(1, 2, 8, F16), config))
                .isEqualTo(new ModelShape(1, 2, 8, 512, 64, Dtype.F16));
    }

    @Test
    void everyMisfitIsNamed() {
        TestGraph graph =
                TestGraph.decoder(3, 2, 16, F32).add(TestGraph.value(TestGraph.INPUT, "cache_position", 7, -1));
        refused(
                graph,
                TestGraph.config(5, 4, 8),
                "past_key_values.3..4.key|value missing, config.json says num_hidden_layers=5; "
                        + "present.3..4.key|value missing, config.json says num_hidden_layers=5; "
                        + "past_key_values.0..2.key|value has kv_heads=2, config.json says 4; "
                        + "past_key_values.0..2.key|value has head_dim=16, config.json says 8; "
                        + "present.0..2.key|value has kv_heads=2, config.json says 4; "
                        + "present.0..2.key|value has head_dim=16, config.json says 8; "
                        + "it needs an input cache_position",
                "text-generation-with-past",
                "onnxruntime_genai.models.builder");
        refused(graph, TestGraph.config(3, 2, 16), "can run: it needs an input cache_position");
        refused(
                graph,
                TestGraph.config(1, 2, 16),
                "present.1..2.key|value unexpected, config.json says num_hidden_layers=1");
    }

    @Test
    void theNumberOfMisfitsShownIsBounded() {
        TestGraph graph = TestGraph.decoder(1, 2, 16, F32);
        for (int i = 0; i < 50; i++) {
            graph.add(TestGraph.value(TestGraph.INPUT, "state." + i, 7, -1))
                    .add(TestGraph.value(TestGraph.INPUT, "past_key_values." + 2 * i + ".value", F32, -1, 2, -1, 16));
        }
        refused(
                graph,
                TestGraph.config(1, 2, 16),
                "can run: past_key_values.2.value, past_key_values.4.value, ",
                "past_key_values.80.value, and 9 more unexpected, config.json says num_hidden_layers=1; it needs an input state.0,",
                "state.38, which kvscale does not provide; and 11 more");
    }

    @Test
    void aModelExportedWithoutPastIsRefused() {
        TestGraph graph = new TestGraph()
                .add(TestGraph.value(TestGraph.INPUT, "input_ids", 7, -1, -1))
                .add(TestGraph.value(TestGraph.OUTPUT, "logits", F32, -1, -1, 512));
        refused(
                graph,
                TestGraph.config(1, 2, 16),
                "it has no outputs present.N.key",
                "it has no inputs past_key_values.N.key",
                "exported without past",
                "it has no input attention_mask");
    }

    @Test
    void aLayerWithoutValuesIsRefused() {
        TestGraph graph = TestGraph.decoder(1, 2, 16, F32)
                .add(TestGraph.value(TestGraph.INPUT, "past_key_values.1.key", F32, -1, 2, -1, 16))
                .add(TestGraph.value(TestGraph.OUTPUT, "present.1.key", F32, -1, 2, -1, 16));
        refused(graph, TestGraph.config(2, 2, 16), "present.1.value missing, config.json says num_hidden_layers=2");
    }

    @Test
    void cachesHaveOneSupportedType() {
        refused(
                TestGraph.decoder(1, 2, 16, 11),
                TestGraph.config(1, 2, 16),
                "past_key_values.0.key|value is float64, expected float32, float16 or bfloat16");
        refused(
                TestGraph.decoder(1, 2, 16, F32)
                        .add(TestGraph.value(TestGraph.OUTPUT, "present.0.value", F16, -1, 2, -1, 16)),
                TestGraph.config(1, 2, 16),
                "its past and present tensors have more than one element type: [F32, F16]");
    }

    @Test
    void theEmbeddingCoversTheVocabulary() {
        TestGraph graph = TestGraph.decoder(1, 2, 16, F32)
                .add(TestGraph.external(F32, new long[] {500, 32}, "location", "data"))
                .add(TestGraph.node("Gather", List.of("weights", "input_ids"), List.of("embedded")))
                .add(TestGraph.value(TestGraph.OUTPUT, "logits", F32, -1, -1, 500));
        refused(
                graph,
                TestGraph.config(1, 2, 16),
                "its embedding has 500 rows, config.json says vocab_size=512",
                "logits has 500 columns, config.json says vocab_size=512");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "num_hidden_layers|null|num_hidden_layers is null",
                "num_hidden_layers|0|num_hidden_layers is 0, expected an integer within 1..",
                "num_hidden_layers|20000|num_hidden_layers is 20000",
                "vocab_size|\"512\"|vocab_size is \"512\"",
                "vocab_size|1e3|vocab_size is 1000.0",
                "head_dim|99999|2 KV heads times head_dim 99999",
                "max_position_embeddings|-1|max_position_embeddings is -1"
            })
    void numbersInConfigJsonAreBounded(String key, String value, String message) {
        String config = TestGraph.config(1, 2, 16).replaceFirst("(\"" + key + "\": )\\d+", "$1" + value);
        refused(TestGraph.decoder(1, 2, 16, F32), config, message);
    }

    @Test
    void aConfigThatIsMissingOrBrokenIsNamed() throws IOException {
        refused(TestGraph.decoder(1, 2, 16, F32), "{}", "config.json has no num_attention_heads");
        refused(TestGraph.decoder(1, 2, 16, F32), "[]", "config.json is not a JSON object");
        refused(TestGraph.decoder(1, 2, 16, F32), "{\"a\":", "config.json is not valid JSON");
        Files.delete(folder.resolve("config.json"));
        assertThatThrownBy(() -> TinyModel.check(folder, TinyModel.GRAPH))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("no config.json");
        assertThatThrownBy(() -> TinyModel.check(folder, "other.onnx"))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("no file other.onnx")
                .hasMessageContaining("model_file");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"layer_types\": [\"full_attention\", \"full_attention\", \"linear_attention\"]",
                "\"num_kv_shared_layers\": 1",
                "\"global_head_dim\": 32, \"sliding_window\": 8, \"layer_types\": [\"sliding_attention\", \"sliding_attention\", \"full_attention\"]"
            })
    void layersWithSharedOtherOrNoCachesAreRefused(String key) {
        refused(
                TestGraph.decoder(3, 2, 16, F32),
                TestGraph.config(3, 2, 16).replace("}", ", " + key + "}"),
                "config.json gives layers 0 and 2 different KV caches, or none",
                "capture K and V with the model's own code");
    }

    @Test
    void aGraphWithoutLogitsIsRefusedIfTheyAreNeeded() {
        Path written = TestGraph.decoder(1, 2, 16, F32).write(folder, TestGraph.config(1, 2, 16));
        assertThatThrownBy(() -> DecoderModel.open(written, TinyModel.GRAPH, Outputs.CACHE_AND_LOGITS))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("the model has no output logits");
    }

    @Test
    void aGraphThatOnnxRuntimeRefusesIsAnErrorOfTheModel() {
        Path written = TestGraph.decoder(1, 2, 16, F32).write(folder, TestGraph.config(1, 2, 16));
        assertThatThrownBy(() -> DecoderModel.open(written, TinyModel.GRAPH, Outputs.CACHE))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("ONNX Runtime cannot load the model")
                .hasMessageContaining(TinyModel.GRAPH);
    }

    private ModelShape checked(TestGraph graph, String config) {
        return TinyModel.check(graph.write(folder, config), TinyModel.GRAPH);
    }

    private void refused(TestGraph graph, String config, String... messages) {
        assertThatThrownBy(() -> checked(graph, config))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll(messages);
    }
}
