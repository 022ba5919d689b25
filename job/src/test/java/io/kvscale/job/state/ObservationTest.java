package io.kvscale.job.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.Folder;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ObservationTest {
    private static final String FP8 = "num_bits: 8, type: float, strategy: tensor, symmetric: true";

    private static String digest(Recipe recipe) {
        return Observation.statistics(recipe.capture(), recipe.schemes(), recipe.kept())
                .digest();
    }

    private static Recipe recipe(String scheme, String kvscale) {
        return Recipe.parse("kv_cache_scheme: {" + scheme + "}\nkvscale: {" + kvscale + "}\n", "test");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "key: {tensors: 'k\\.(?P<layer>\\d+)'}",
                "value: {tensors: 'v\\.(?P<layer>\\d+)'}",
                "query: {tensors: 'q\\.(?P<layer>\\d+)'}",
                "layout: BHSD",
                "kv_heads: 2",
                "head_dim: 32",
                "mask: padding",
                "mask: none",
                "targets: ['layers\\.1\\.']",
                "ignore: ['layers\\.1\\.']",
                "mla: true",
                "statistics: histogram",
                "statistics: pairs, keys: {pairing: half, rotary_dim: 32}",
                "statistics: pairs, keys: {pairing: half, rotary_dim: 16}",
            })
    void whatChangesWhatIsReadChangesTheDigest(String key) {
        assertThat(digest(recipe(FP8, key))).isNotEqualTo(digest(recipe(FP8, "")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"allow_zero: true", "hybrid: true", "on_nonfinite: skip", "keys: before_rope"})
    void whatIsAppliedToStatisticsDoesNot(String key) {
        assertThat(digest(recipe(FP8, key))).isEqualTo(digest(recipe(FP8, "")));
    }

    @Test
    void schemesCountOnlyWhereBatchesAreKept() {
        String ranges = digest(recipe(FP8, ""));
        assertThat(digest(recipe("num_bits: 8, type: int, strategy: channel, symmetric: false", "")))
                .isEqualTo(ranges);
        String minmax = digest(recipe("num_bits: 8, type: float, strategy: tensor, observer: minmax", ""));
        assertThat(minmax).isNotEqualTo(ranges);
        assertThat(digest(recipe("num_bits: 8, type: int, strategy: tensor, observer: minmax", "")))
                .isEqualTo(minmax);
        assertThat(digest(recipe("num_bits: 8, type: int, strategy: attn_head, observer: minmax", "")))
                .isNotEqualTo(minmax);
        assertThat(digest(recipe(
                        "num_bits: 8, type: float, strategy: tensor, observer: minmax",
                        "value: {scheme: {observer: static_minmax}}")))
                .isNotEqualTo(minmax);
    }

    @Test
    void theModelCounts() {
        Recipe plain = recipe(FP8, "");
        assertThat(digest(plain.withModel(model(16))))
                .isNotEqualTo(digest(plain))
                .isNotEqualTo(digest(plain.withModel(model(8))))
                .isEqualTo(digest(plain.withModel(model(16))));
    }

    private static String texts(String model, String kvscale, @Nullable String scales) {
        Recipe recipe = recipe(FP8, kvscale);
        return Observation.texts(model, recipe, recipe.kept(), scales).digest();
    }

    @Test
    void whatChangesWhatAModelGivesForATextCounts() {
        String plain = texts("m", "", null);
        assertThat(List.of(
                        plain,
                        digest(recipe(FP8, "")),
                        texts("n", "", null),
                        texts("m", "statistics: histogram", null),
                        texts("m", "chunk_tokens: 16", null),
                        texts("m", "ignore: ['layers\\.1\\.']", null),
                        texts("m", "add_special_tokens: false", null),
                        texts("m", "", "s"),
                        texts("m", "", "t"),
                        texts("m", "residual_length: 32, feedback: fake_quantize", "s")))
                .doesNotHaveDuplicates();
        // The keys of batches have the ranges of tokens and the seed.
        assertThat(texts("m", "max_seq_length: 64, num_calibration_samples: 3, seed: 1", null))
                .isEqualTo(plain);
    }

    private static ModelConfig model(int window) {
        String json =
                "{\"model_type\": \"mistral\", \"hidden_size\": 64, \"num_attention_heads\": 2, \"num_key_value_heads\": 2,"
                        + " \"num_hidden_layers\": 2, \"sliding_window\": " + window + "}";
        return ModelConfig.parse(json.getBytes(StandardCharsets.UTF_8), "");
    }

    @Test
    void kindsOfObservationDiffer() {
        Recipe plain = recipe(FP8, "");
        TreeSet<Slot> scanned = new TreeSet<>(List.of(new Slot(0, Role.KEY)));
        assertThat(List.of(
                        digest(plain),
                        Observation.survey(plain.capture(), new TreeSet<>()).digest(),
                        Observation.survey(plain.capture(), scanned).digest(),
                        Observation.layout(plain.capture()).digest()))
                .doesNotHaveDuplicates();
    }

    @Test
    void everyRecipeOfTheProjectHasADigest() {
        for (String name : Folder.names(Folder.HOME.resolve("conf/recipes")).keySet()) {
            if (name.endsWith(".yaml")) {
                Recipe recipe = Recipe.parse(
                        Folder.text(Folder.HOME.resolve("conf/recipes").resolve(name)), name);
                // Norms of pairs need a model.
                assertThat(digest(recipe.pairs().kept() ? recipe.withModel(model(16)) : recipe))
                        .hasSize(64);
            }
        }
    }
}
