package io.kvscale.capture;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NameGuessTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            h.N.attn.key       | h.N.attn.value       | ^h\\.(?P<layer>\\d+)\\.attn\\.key$
            k_N                | v_N                  | ^k_(?P<layer>\\d+)$
            kN                 | vN                   | ^k(?P<layer>\\d+)$
            cache/KEYS/N       | cache/VALUES/N       | ^cache/KEYS/(?P<layer>\\d+)$
            block_N.Key.0      | block_N.Value.0      | ^block_(?P<layer>\\d+)\\.Key\\.0$
            """)
    void pairsOfNamesGivePatterns(String key, String value, String pattern) {
        List<String> names = new ArrayList<>(List.of("hidden.0", "lm_head.weight"));
        for (int layer = 0; layer < 12; layer++) {
            names.add(key.replace("N", String.valueOf(layer)));
            names.add(value.replace("N", String.valueOf(layer)));
        }
        NameGuess guess = Objects.requireNonNull(NameGuess.of(names));
        assertThat(guess.keys()).isEqualTo(pattern);
        assertThat(names.stream().filter(name -> name.matches(java(guess.keys()))))
                .hasSize(12);
        assertThat(names.stream().filter(name -> name.matches(java(guess.values()))))
                .hasSize(12);
    }

    private static String java(String pattern) {
        return pattern.replace("?P<", "?<");
    }

    @ParameterizedTest
    @ValueSource(strings = {"mlp.0.weight", "layers.0.key", "monkey.0", "k", "'k'.0"})
    void otherNamesGiveNone(String name) {
        assertThat(NameGuess.of(List.of(name, "bias.0"))).isNull();
    }

    @Test
    void numbersBehindALongerWordAreFound() {
        assertThat(NameGuess.of(List.of("key7", "value7")))
                .isEqualTo(new NameGuess("^key(?P<layer>\\d+)$", "^value(?P<layer>\\d+)$"));
    }
}
