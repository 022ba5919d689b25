package io.kvscale.job.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The size of a recipe bounds the time to read it: recipes of a megabyte take seconds, or are refused. */
class RecipeLimitsTest {
    private static final Duration SECONDS = Duration.ofSeconds(20);

    private static String overrides(int count, IntFunction<String> pattern) {
        return "kv_cache_scheme: {}\nkvscale:\n  overrides:\n"
                + IntStream.range(0, count)
                        .mapToObj(i -> "  - {layers: '" + pattern.apply(i) + "', scheme: {num_bits: 4, type: int}}\n")
                        .collect(Collectors.joining());
    }

    private static String keys(int count, String before, IntFunction<String> key, String after) {
        return before + IntStream.range(0, count).mapToObj(key).collect(Collectors.joining()) + after;
    }

    static Stream<Arguments> slow() {
        return Stream.of(
                Arguments.of("many overrides", overrides(11_000, i -> ".*9$|self_attn"), "kvscale.overrides", "1000"),
                Arguments.of(
                        "long overrides",
                        overrides(950, i -> ".*".repeat(470) + "9\\."),
                        "kvscale.overrides[5].layers",
                        "5000"),
                Arguments.of("repeats", overrides(1, i -> "(.?){900}"), "kvscale.overrides[0].layers", "repeats"),
                Arguments.of(
                        "long targets",
                        keys(
                                900,
                                "kv_cache_scheme: {}\nkvscale:\n  targets: [",
                                i -> "'" + ".*".repeat(400) + "', ",
                                "]"),
                        "kvscale.targets",
                        "5000"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("slow")
    void slowPatternsAreRefusedWithTheKeyAndTheLimit(String name, String yaml, String key, String limit) {
        Assertions.assertTimeoutPreemptively(
                SECONDS,
                () -> assertThatThrownBy(() -> Recipe.parse(yaml, "r.yaml"))
                        .isInstanceOfSatisfying(
                                RecipeException.class, e -> assertThat(e.key()).isEqualTo(key))
                        .hasMessageContaining(limit));
    }

    @Test
    void anOverrideForEachLayerAndRoleOfADeepModelIsRead() {
        String yaml = overrides(256, i -> "layers\\." + i / 2 + "\\.");
        assertThat(Recipe.parse(yaml, "r.yaml").schemes().overrides()).hasSize(256);
    }

    static Stream<Arguments> large() {
        String long64 = "_".repeat(48);
        return Stream.of(
                Arguments.of(keys(14_000, "", i -> long64 + i + "Modifier: {}\n", "kv_cache_scheme: {}")),
                Arguments.of(keys(14_000, "", i -> long64 + i + "_stage: {}\n", "kv_cache_scheme: {}")),
                Arguments.of(keys(14_000, "XModifier:\n", i -> "  " + long64 + i + ": 1\n", "kv_cache_scheme: {}")),
                Arguments.of(keys(14_000, "", i -> long64 + i + ": 1\n", "")),
                Arguments.of("x_stage" + "_1".repeat(60_000) + "x: {}\nkv_cache_scheme: {}"),
                Arguments.of(keys(14_000, "kv_cache_scheme:\n", i -> "  " + long64 + i + ": 1\n", "")));
    }

    @ParameterizedTest
    @MethodSource("large")
    void recipesWithThousandsOfKeysTakeSeconds(String yaml) {
        Assertions.assertTimeoutPreemptively(SECONDS, () -> {
            try {
                Recipe.parse(yaml, "r.yaml");
            } catch (RecipeException e) {
                assertThat(e.getMessage().lines()).hasSize(3);
            }
        });
    }
}
