package io.kvscale.job.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.RotaryPairs;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which channels RoPE turns together, by config.json and recipe. */
class PairTermsTest {
    private static final String KEYS = "keys: {pairing: interleaved, rotary_dim: 8}, ";

    private static StatisticsKind kept(String kvscale, @Nullable String config) {
        Recipe recipe = Recipe.parse("{kv_cache_scheme: {}, kvscale: {" + kvscale + "statistics: pairs}}", "r.yaml");
        if (config != null) {
            byte[] json = ("{\"num_attention_heads\": 4, \"num_hidden_layers\": 2, \"hidden_size\": 128, "
                            + (config.contains("head_dim") ? "" : "\"head_dim\": 32, ")
                            + "\"num_key_value_heads\": 2, \"vocab_size\": 9, " + config.replace('\'', '"')
                            + "}")
                    .getBytes(StandardCharsets.UTF_8);
            recipe = recipe.withModel(ModelConfig.parse(json, "config.json"));
        }
        return recipe.kept();
    }

    private static @Nullable RotaryPairs key(StatisticsKind kind, int layer) {
        return kind.pairs(new Slot(layer, Role.KEY));
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '|',
            delimiter = ';',
            value = {
                "'model_type': 'llama'; false; 32",
                "'model_type': 'cohere'; true; 32",
                "'model_type': 'gpt_neox', 'rotary_pct': 0.25; false; 8",
                "'model_type': 'glm', 'partial_rotary_factor': 0.5; true; 16",
                "'model_type': 'gptj', 'rotary_dim': 16; true; 16",
                "'model_type': 'gptj', 'head_dim': 128; true; 64",
                "'model_type': 'codegen', 'head_dim': 128, 'rotary_dim': null; true; 128",
            })
    void configJsonNamesThem(String config, boolean neighbors, int channels) {
        StatisticsKind kept = kept("", config);
        assertThat(key(kept, 0)).isEqualTo(new RotaryPairs(neighbors, channels));
        assertThat(key(kept, 1)).isEqualTo(new RotaryPairs(neighbors, channels));
        assertThat(kept.pairs(new Slot(0, Role.VALUE))).isNull();
        assertThat(kept.pairs(new Slot(0, Role.QUERY))).isNull();
        assertThat(key(kept, 2)).isNull();
    }

    @Test
    void layersWithoutRopeHaveNone() {
        StatisticsKind kept = kept("", "'model_type': 'llama4_text', 'no_rope_layers': [1, 0]");
        assertThat(key(kept, 0)).isEqualTo(new RotaryPairs(true, 32));
        assertThat(key(kept, 1)).isEqualTo(RotaryPairs.NONE);
    }

    /** A range that says it holds at every position would be that of the positions that were seen. */
    @Test
    void modelsWithoutRopeAreRefused() {
        for (String recipe : new String[] {"", KEYS}) {
            assertThatThrownBy(() -> kept(recipe, "'model_type': 'gpt2'"))
                    .isInstanceOf(InvalidOptionException.class)
                    .hasMessageContaining("RoPE turns no channels of a layer that is calibrated");
        }
        assertThatThrownBy(() ->
                        kept("ignore: 'layers\\.0\\.', ", "'model_type': 'llama4_text', 'no_rope_layers': [1, 0]"))
                .hasMessageContaining("RoPE turns no channels");
    }

    /** A model that kvscale does not know, with and without words about RoPE; and pairs that are none. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "'model_type': 'unheard_of', 'rope_theta': 1e4",
                "'model_type': 'unheard_of'",
                "'model_type': 'llama', 'partial_rotary_factor': 0.1"
            })
    void whatConfigJsonDoesNotSayTheRecipeMust(String config) {
        assertThatThrownBy(() -> kept("", config))
                .isInstanceOf(InvalidOptionException.class)
                .hasMessageContaining("config.json does not say which channels of K RoPE turns together in layer 0");
        assertThat(key(kept(KEYS, config), 1)).isEqualTo(new RotaryPairs(true, 8));
    }

    @Test
    void theRecipeAloneIsEnough() {
        assertThatThrownBy(() -> kept("", null)).hasMessageContaining("RoPE turns together is not known");
        assertThat(key(kept(KEYS, null), 77)).isEqualTo(new RotaryPairs(true, 8));
        assertThat(kept(KEYS, null).pairs(new Slot(0, Role.VALUE))).isNull();
    }

    @Test
    void contradictionsAndLatentTensorsAreRefused() {
        assertThatThrownBy(() -> kept(KEYS, "'model_type': 'llama'"))
                .isInstanceOf(InvalidOptionException.class)
                .hasMessageContaining("8 channels in pairing interleaved")
                .hasMessageContaining("32 in pairing half in layer 0");
        assertThatThrownBy(() -> kept("mla: true, " + KEYS, null))
                .isInstanceOf(InvalidOptionException.class)
                .hasMessageContaining("one latent tensor per layer (MLA)");
    }

    /** Layers that are not calibrated need no pairs. */
    @Test
    void ignoredLayersAreNotAskedFor() {
        StatisticsKind kept = kept("ignore: 'layers\\.1\\.', ", "'model_type': 'llama'");
        assertThat(key(kept, 1)).isNull();
    }
}
