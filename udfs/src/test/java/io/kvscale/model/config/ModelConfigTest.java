package io.kvscale.model.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.model.config.LayerCache.Kind;
import io.kvscale.model.config.Rotary.Pairing;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Facts of well-known models, from configs with the keys that their config.json files have. */
class ModelConfigTest {
    private static ModelConfig of(String name) throws IOException {
        try (InputStream in = ModelConfigTest.class.getResourceAsStream(name + ".json")) {
            return ModelConfig.read(in, name);
        }
    }

    private static ModelConfig parse(String json) {
        return ModelConfig.parse(json.getBytes(StandardCharsets.UTF_8), "config.json");
    }

    /** One letter for each layer: full, sliding, no attention, shared. */
    private static String kinds(ModelConfig config) {
        return config.layers().stream()
                .map(layer -> layer.kind() == Kind.NO_ATTENTION
                        ? "-"
                        : layer.kind().name().substring(0, 1) + (layer.kind() == Kind.SHARED ? "H" : ""))
                .collect(Collectors.joining());
    }

    @ParameterizedTest
    @CsvSource({
        "llama3, 32, 8, 128, 128, 32*F",
        "qwen3, 36, 8, 128, 128, 36*F",
        "mistral, 32, 8, 128, 128, 32*S",
        "gemma2, 42, 8, 256, 256, 21*SF",
        "gemma3, 34, 4, 256, 256, 5*SSSSSF+4*S",
        "gpt_oss, 4, 8, 64, 64, 2*SF",
        "phi3, 32, 32, 96, 96, 32*S",
        "deepseek_v3, 61, 1, 576, 0, 61*F",
        "qwen3_next, 48, 2, 256, 256, 12*---F",
        "llava, 32, 32, 128, 128, 32*F",
        "gemma3n, 10, 2, 256, 256, 1*SSSSF+5*SH",
        "nemotron_h, 8, 8, 128, 128, 1*---F---F",
        "smollm3, 4, 4, 128, 128, 4*F",
        "cohere2, 8, 8, 128, 128, 2*SSSF",
        "gpt2, 12, 12, 64, 64, 12*F",
        "mixtral_partial, 32, 8, 128, 128, 32*F",
        "gemma_partial, 28, 16, 256, 256, 28*F",
        "gemma2_partial, 26, 4, 256, 256, 13*SF",
        "qwen2_partial, 28, 4, 128, 128, 28*F",
        "qwen2_window, 30, 4, 64, 64, 28*F+2*S",
        "llava_mistral, 32, 8, 128, 128, 32*F",
        "llama4, 8, 8, 128, 128, 2*SSSF",
        "zamba2, 6, 32, 160, 160, 2*--F",
        "recurrent_gemma, 8, 1, 256, 256, 2*--S+2*-",
        "falcon, 4, 1, 64, 64, 4*F",
        "dbrx, 4, 8, 128, 128, 4*F",
        "chatglm, 4, 2, 128, 128, 4*F"
    })
    void layersHeadsAndHeadDimAreThoseOfTheModel(
            String name, int layers, int heads, int keyDim, int valueDim, String kinds) throws IOException {
        ModelConfig config = of(name);
        assertThat(config.layers())
                .hasSize(layers)
                .allSatisfy(layer -> assertThat(layer.kvHeads()).isEqualTo(heads))
                .allSatisfy(layer -> assertThat(layer.keyHeadDim()).isEqualTo(keyDim))
                .allSatisfy(layer -> assertThat(layer.valueHeadDim()).isEqualTo(valueDim))
                .allSatisfy(layer -> assertThat(layer.window() > 0).isEqualTo(layer.kind() == Kind.SLIDING));
        StringBuilder expected = new StringBuilder();
        for (String part : kinds.split("\\+")) {
            String[] run = part.split("\\*");
            expected.append(run[1].repeat(Integer.parseInt(run[0])));
        }
        assertThat(kinds(config)).isEqualTo(expected.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "llama3, 0, HALVES, 128",
        "qwen3_next, 3, HALVES, 64",
        "cohere2, 0, NEIGHBORS, 128",
        "cohere2, 3, NONE, 0",
        "smollm3, 2, HALVES, 128",
        "smollm3, 3, NONE, 0",
        "gpt2, 0, NONE, 0",
        "nemotron_h, 3, NONE, 0",
        "deepseek_v3, 0, NONE, 0",
        "gemma3, 0, HALVES, 256",
        "llama4, 2, NEIGHBORS, 128",
        "llama4, 3, NONE, 0",
        "zamba2, 2, NONE, 0",
        "recurrent_gemma, 2, HALVES, 128",
        "chatglm, 0, NEIGHBORS, 64"
    })
    void rotaryChannelsAreThoseOfTheModel(String name, int layer, Pairing pairing, int channels) throws IOException {
        assertThat(of(name).layers().get(layer).rotary()).isEqualTo(new Rotary(pairing, channels));
    }

    @Test
    void onlySlotsWithACacheOfTheirOwnAreExpected() throws IOException {
        assertThat(of("qwen3_next").holds(new Slot(3, Role.VALUE))).isTrue();
        assertThat(of("qwen3_next").holds(new Slot(2, Role.VALUE))).isFalse();
        assertThat(of("gemma3n").holds(new Slot(5, Role.KEY))).isFalse();
        assertThat(of("deepseek_v3").holds(new Slot(0, Role.VALUE))).isFalse();
        assertThat(of("llama3").holds(new Slot(32, Role.KEY))).isFalse();
    }

    private static final String GOOD =
            "\"model_type\": \"llama\", \"hidden_size\": 64, \"num_attention_heads\": 4, \"num_hidden_layers\": 3,"
                    + " \"rope_theta\": 1.0";

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[]|not a JSON object",
                "7|not a JSON object",
                "{|not valid JSON",
                "{}|has no num_attention_heads",
                "{\"num_attention_heads\": 4}|has no num_hidden_layers",
                "{\"num_attention_heads\": 4, \"num_hidden_layers\": 3, \"num_key_value_heads\": 4}|has no hidden_size",
                "{%, \"model_type\": \"novel\"}|has no num_key_value_heads, and kvscale does not know the default of model_type novel",
                "{%, \"n_layer\": 2}|num_hidden_layers is 3, n_layer is 2",
                "{%, \"num_key_value_heads\": 2, \"n_head_kv\": 4}|num_key_value_heads is 2, n_head_kv is 4",
                "{%, \"num_key_value_heads\": 2, \"multi_query_group_num\": 1}|multi_query_group_num is 1",
                "{%, \"head_dim\": 16, \"kv_channels\": 32}|head_dim is 16, kv_channels is 32",
                "{%, \"num_key_value_heads\": 0}|num_key_value_heads is 0",
                "{%, \"num_key_value_heads\": [2, 2, 0]}|num_key_value_heads is 0",
                "{%, \"num_key_value_heads\": [2, 2, 3]}|not a multiple of num_key_value_heads, 3",
                "{%, \"head_dim\": 0}|head_dim is 0",
                "{%, \"full_attention_interval\": 0}|full_attention_interval is 0",
                "{%, \"layer_types\": \"full_attention\"}|layer_types is \"full_attention\", expected a list",
                "{%, \"layer_types\": {\"0\": \"mamba\"}}|expected a list",
                "{%, \"use_sliding_window\": \"no\"}|use_sliding_window is \"no\", expected true or false",
                "{%, \"no_rope_layers\": \"all\"}|no_rope_layers is \"all\", expected a list",
                "{%, \"no_rope_layers\": [1, 0, 2]}|no_rope_layers is 2",
                "{%, \"cross_attention_layers\": 1}|cross_attention_layers is 1, expected a list",
                "{%, \"sliding_window_pattern\": \"x\", \"sliding_window\": 8}|sliding_window_pattern is \"x\"",
                "{%, \"sliding_window\": 8, \"attention_chunk_size\": 16}|attention_chunk_size is 16",
                "{%, \"text_config\": \"llama\"}|text_config is \"llama\", expected a JSON object",
                "{%, \"text_config\": {}}|num_hidden_layers is 3, but missing in text_config, which means 32",
                "{%, \"text_config\": {%, \"num_hidden_layers\": 4}}|num_hidden_layers is 3, but 4 in text_config",
                "{%, \"head_dim\": 8, \"text_config\": {%}}|head_dim is 8, but missing in text_config",
                "{%, \"architectures\": \"X\"}|architectures is \"X\", expected a list",
                "{\"model_type\": 5}|model_type is 5, expected a string",
                "{%, \"model_type\": \"zamba2\"}|has no layers_block_type",
                "{%, \"model_type\": \"zamba2\", \"layers_block_type\": [\"mamba\", \"hybrid\", \"mamba\"]}|has no attention_head_dim",
                "{%, \"layer_types\": [\"full_attention\", \"sliding_attention\", \"mamba\"]}|there is no sliding_window",
                "{%, \"num_hidden_layers\": 0}|num_hidden_layers is 0",
                "{%, \"num_hidden_layers\": -3}|num_hidden_layers is -3",
                "{%, \"num_hidden_layers\": 99999999}|num_hidden_layers is 99999999",
                "{%, \"num_hidden_layers\": 1e3}|num_hidden_layers is 1000.0",
                "{%, \"num_hidden_layers\": \"3\"}|num_hidden_layers is \"3\"",
                "{%, \"num_key_value_heads\": 3}|not a multiple of num_key_value_heads, 3",
                "{%, \"num_key_value_heads\": -1}|num_key_value_heads is -1",
                "{%, \"num_key_value_heads\": 8}|not a multiple of num_key_value_heads, 8",
                "{%, \"num_key_value_heads\": [2, 2]}|num_key_value_heads has 2 entries, but there are 3 layers",
                "{%, \"hidden_size\": 63}|hidden_size 63 is not a multiple of 4 heads",
                "{%, \"head_dim\": 131072}|is not within 1..131072 channels",
                "{%, \"head_dim\": 2147483648}|head_dim is 2147483648",
                "{%, \"sliding_window\": -1}|sliding_window is -1",
                "{%, \"layer_types\": [\"full_attention\"]}|layer_types has 1 entries, but there are 3 layers",
                "{%, \"layer_types\": [\"full_attention\", \"x\", \"mamba\"]}|layer_types has \"x\"",
                "{%, \"layer_types\": [\"mamba\", \"mamba\", \"mamba\"]}|gives no layer a KV cache",
                "{%, \"num_kv_shared_layers\": 3}|num_kv_shared_layers is 3",
                "{%, \"hybrid_override_pattern\": \"M*\"}|hybrid_override_pattern has 2 characters",
                "{%, \"attn_layer_indices\": [0, 3]}|attn_layer_indices names layer 3",
                "{%, \"partial_rotary_factor\": 1.5}|partial_rotary_factor is 1.5",
                "{%, \"rotary_dim\": 32}|rotary_dim is 32",
                "{%, \"kv_lora_rank\": 512}|has no qk_rope_head_dim",
                "{%, \"rope_theta\": -1}|rope_theta is -1, expected a number above 0",
                "{%, \"rope_theta\": \"x\"}|rope_theta is \"x\", expected a number above 0",
                "{\"model_type\": \"llama\", \"num_key_value_heads\": 3}|num_attention_heads is missing, which means 32,"
                        + " which is not a multiple of num_key_value_heads, 3",
                "{%, \"block_configs\": [{}]}|block_configs"
            })
    void aConfigThatCannotBeIsRefused(String json, String message) {
        assertThatThrownBy(() -> parse(json.replace("%", GOOD)))
                .isInstanceOfSatisfying(InvalidDataException.class, e -> {
                    assertThat(e.problem().file()).isEqualTo("config.json");
                    assertThat(e.problem().remedy()).isNotEmpty();
                })
                .hasMessageContaining(message);
    }

    /** transformers 5 saves no num_hidden_layers for NemotronH. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"layers_block_type\": [\"linear_attention\", \"full_attention\", \"mlp\", \"full_attention\"]",
                "\"hybrid_override_pattern\": \"M*-*\""
            })
    void theLayersOfAHybridAreCountedInItsList(String list) {
        String sizes = "\"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 64";
        assertThat(kinds(parse("{\"model_type\": \"nemotron_h\", " + sizes + ", " + list + "}")))
                .isEqualTo("-F-F");
        assertThatThrownBy(() -> parse("{" + sizes + ", \"num_hidden_layers\": 3, " + list + "}"))
                .hasMessageContaining("but there are 3 layers");
    }

    @Test
    void whatTheModelsClassDoesNotReadIsNotChecked() {
        String off = "\"sliding_window\": -1, \"use_sliding_window\": false";
        String types = "\"layer_types\": [\"sliding_attention\", \"full_attention\", \"full_attention\"]";
        assertThat(kinds(parse("{" + GOOD + "," + off + "," + types + "}"))).isEqualTo("FFF");
        assertThat(kinds(parse("{" + GOOD + ", \"full_attention_interval\": 2, \"sliding_window\": 8," + types + "}")))
                .isEqualTo("SFF");
        assertThat(parse("{" + GOOD + ", \"text_config\": {" + GOOD + "}, \"n_layer\": 3}")
                        .layers())
                .hasSize(3);
    }

    @Test
    void aHugeConfigIsRefusedBeforeItIsParsed() {
        InputStream endless = new InputStream() {
            @Override
            public int read() {
                return ' ';
            }
        };
        assertThatThrownBy(() -> ModelConfig.read(endless, "config.json"))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("more than 16777216 bytes");
    }
}
