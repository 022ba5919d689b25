package io.kvscale.job.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** NVFP4 in recipes. */
class Nvfp4RecipeTest {
    private static final String NVFP4 = "num_bits: 4, type: float, strategy: tensor_group";
    private static final QuantizationScheme DEFAULT = QuantizationScheme.nvfp4(GlobalScale.ABSMAX_448);
    private static final QuantizationScheme DIVISOR = QuantizationScheme.nvfp4(GlobalScale.DIVISOR);
    private static final QuantizationScheme MULTIPLIER = QuantizationScheme.nvfp4(GlobalScale.MULTIPLIER);

    private static Recipe parse(String scheme, String kvscale) {
        return Recipe.parse("{kv_cache_scheme: {" + scheme + "}, kvscale: {" + kvscale + "}}", "r.yaml");
    }

    @Test
    void theConventionCanBeUnderKvscaleOrInTheScheme() {
        assertThat(parse(NVFP4, "").schemes().key()).isEqualTo(DEFAULT);
        assertThat(parse(NVFP4, "global_scale: absmax_448").schemes().key()).isEqualTo(DEFAULT);
        assertThat(parse(NVFP4 + ", dynamic: local", "global_scale: divisor")
                        .schemes()
                        .key())
                .isEqualTo(DIVISOR);
        Recipe recipe = parse(NVFP4 + ", dynamic: local", "global_scale: multiplier");
        assertThat(recipe.schemes().key()).isEqualTo(MULTIPLIER);
        assertThat(recipe.schemes().value()).isEqualTo(MULTIPLIER);
        assertThat(recipe.notices()).isEmpty();
        assertThat(parse(NVFP4 + ", global_scale: multiplier", "").schemes().value())
                .isEqualTo(MULTIPLIER);
        assertThat(parse(NVFP4 + ", global_scale: multiplier", "global_scale: multiplier")
                        .schemes()
                        .value())
                .isEqualTo(MULTIPLIER);
        recipe = parse(NVFP4, "global_scale: multiplier, value: {scheme: {global_scale: divisor}}");
        assertThat(recipe.schemes().key()).isEqualTo(MULTIPLIER);
        assertThat(recipe.schemes().value()).isEqualTo(DIVISOR);
    }

    @Test
    void dtypesOfLlmCompressorAreReportedAsWithoutEffect() {
        Recipe recipe = parse(NVFP4 + ", dynamic: local, scale_dtype: torch.float8_e4m3fn", "");
        assertThat(recipe.schemes().key()).isEqualTo(DEFAULT);
        assertThat(recipe.notices()).singleElement().asString().contains("kv_cache_scheme.scale_dtype");
    }

    @Test
    void anotherStrategyForARoleDropsNvfp4Keys() {
        Recipe recipe = parse(
                NVFP4 + ", group_size: 16, dynamic: local, global_scale: multiplier",
                "value: {scheme: {strategy: tensor, num_bits: 8}}");
        assertThat(recipe.schemes().key()).isEqualTo(MULTIPLIER);
        assertThat(recipe.schemes().value()).isEqualTo(QuantizationScheme.fp8());
        recipe = parse(NVFP4 + ", dynamic: local", "key: {scheme: {group_size: 32}}");
        assertThat(recipe.schemes().key().strategy()).isEqualTo(Strategy.GROUP);
        assertThat(recipe.schemes().key().format()).isEqualTo(NumberFormat.FP4_E2M1);
    }

    @Test
    void nvfp4CanApplyToSomeLayers() {
        Recipe recipe = parse(
                "num_bits: 8, type: float",
                "global_scale: multiplier, overrides: [{layers: 'layers\\.3\\.', role: value, scheme: {num_bits: 4,"
                        + " strategy: tensor_group, dynamic: local}}]");
        assertThat(recipe.schemes().of(new Slot(3, Role.VALUE))).isEqualTo(MULTIPLIER);
        assertThat(recipe.schemes().of(new Slot(3, Role.KEY))).isEqualTo(QuantizationScheme.fp8());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "num_bits: 8 | global_scale: divisor | no scheme has the strategy tensor_group | kvscale.global_scale",
                NVFP4
                        + "| global_scale: reciprocal | must be one of absmax_448, multiplier, divisor | kvscale.global_scale",
                NVFP4 + "| global_scale: 2688 | must be one of absmax_448, multiplier, divisor | kvscale.global_scale",
                NVFP4 + ", global_scale: divisor | global_scale: multiplier | kv_cache_scheme.global_scale is 'divisor'"
                        + "| kvscale.global_scale",
                NVFP4 + "| value: {scheme: {num_bits: 8}} | strategy tensor_group is NVFP4 | kvscale.value.scheme",
                NVFP4 + "| scale_dtype: input | computed in float32 | scale_dtype",
                NVFP4 + ", group_size: 32 |  | in groups of 16 | kv_cache_scheme.group_size",
                NVFP4 + ", observer: mse |  | gives no global scale | kv_cache_scheme.observer",
                NVFP4 + ", dynamic: true |  | nothing to calibrate | kv_cache_scheme.dynamic",
                "num_bits: 8, dynamic: local | | nothing to calibrate | kv_cache_scheme.dynamic",
            })
    void contradictoryKeysAreRefused(String scheme, String kvscale, String cause, String place) {
        assertThatThrownBy(() -> parse(scheme, kvscale == null ? "" : kvscale))
                .isInstanceOf(RecipeException.class)
                .hasMessageContainingAll(cause, place, "in recipe r.yaml");
    }
}
