package io.kvscale.capture.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.tensor.InvalidDataException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LayerPatternTest {
    @ParameterizedTest
    @ValueSource(strings = {"layers\\.(?P<layer>\\d+)\\.keys", "layers\\.(?<layer>\\d+)\\.keys"})
    void findsTheLayerAnywhereInTheName(String regex) {
        LayerPattern pattern = LayerPattern.compile(regex);
        assertThat(pattern.layerOf("model.layers.17.keys")).isEqualTo(OptionalInt.of(17));
        assertThat(pattern.layerOf("layers.0.keys.0")).isEqualTo(OptionalInt.of(0));
        assertThat(pattern.layerOf("layers.007.keys")).isEqualTo(OptionalInt.of(7));
        assertThat(pattern.layerOf("layers.9999.keys")).isEqualTo(OptionalInt.of(9999));
        assertThat(pattern.layerOf("layers.0.values")).isEmpty();
        assertThat(pattern.toString()).isEqualTo(regex);
    }

    @ParameterizedTest
    @CsvSource({
        "layers\\.(?P<layer>.*)\\.keys, layers.x.keys, 'x'",
        "layers\\.(?P<layer>.*)\\.keys, layers.-1.keys, '-1'",
        "layers\\.(?P<layer>.*)\\.keys, layers.10000.keys, '10000'",
        "layers\\.(?P<layer>.*)\\.keys, layers.99999999999999999999.keys, '99999'",
        "layers\\.(?P<layer>.*)\\.keys, layers.٣.keys, 'not a number'",
        "layers\\.(?P<layer>.*)\\.keys, layers..keys, 'not a number'",
        "layers(\\.(?P<layer>\\d+))?, layers.x, 'nothing'"
    })
    void aLayerThatIsNotANumberIsBadData(String regex, String name, String shown) {
        assertThatThrownBy(() -> LayerPattern.compile(regex).layerOf(name))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining(shown)
                .hasMessageContaining("0..9999")
                .hasMessageContaining("tensor " + name);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "layers\\.\\d+",
                "(?P<layers>\\d+)",
                "(?P<layer>\\d+",
                "(?P<layer>a)|(?P<layer>b)",
                "(?=x)(?P<layer>\\d+)",
                "(?P<layer>\\d+)\\1",
                "(?P<layer>((((x{100}){100}){100}){100}))",
                "(?P<layer>x{2000})",
                "(?P<layer>(xxxxxxxxxxxxxxxxxxxx){900})",
                "(?P<layer>x{99999999999})",
                ""
            })
    void anInvalidPatternIsRefusedWithARemedy(String regex) {
        assertThatThrownBy(() -> LayerPattern.compile(regex))
                .isInstanceOfSatisfying(InvalidOptionException.class, e -> {
                    assertThat(e.what()).contains("regular expression");
                    assertThat(e.remedy()).isNotEmpty();
                });
    }

    @Test
    void lengthIsBounded() {
        String regex = "(?P<layer>\\d+)" + "x".repeat(986);
        assertThat(LayerPattern.compile(regex).layerOf("x")).isEmpty();
        assertThatThrownBy(() -> LayerPattern.compile(regex + "x")).hasMessageContaining("1001 characters");
    }

    @Test
    void matchingIsLinear() {
        LayerPattern pattern = LayerPattern.compile("^(a|aa|a*)*(?P<layer>\\d+)$");
        assertThat(pattern.layerOf("a".repeat(20_000) + "!")).isEmpty();
    }

    @Test
    void isSerializable() throws Exception {
        LayerPattern pattern = copy(LayerPattern.compile("layers\\.(?P<layer>\\d+)\\.keys"));
        assertThat(pattern.layerOf("layers.3.keys")).isEqualTo(OptionalInt.of(3));
        LayerFilter filter = copy(new LayerFilter(List.of("layers\\.1\\."), List.of()));
        assertThat(filter.includes(1)).isTrue();
        assertThat(filter.includes(2)).isFalse();
        CaptureOptions options = new CaptureOptions(
                "k(?P<layer>1)",
                null,
                Layout.THD2,
                8,
                128,
                "none",
                List.of("a"),
                List.of("b"),
                false,
                TableColumns.DEFAULT);
        assertThat(copy(options)).isEqualTo(options);
    }

    @SuppressWarnings("unchecked")
    private static <T> T copy(T value) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(value);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            return (T) in.readObject();
        }
    }

    @Test
    void filterSelectsLayers() {
        LayerFilter all = new LayerFilter(List.of(), List.of());
        assertThat(all.includes(0)).isTrue();
        LayerFilter some = new LayerFilter(List.of("re:.*layers\\.(0|1|2)\\.self_attn$"), List.of("layers\\.1\\."));
        assertThat(some.includes(0)).isTrue();
        assertThat(some.includes(1)).isFalse();
        assertThat(some.includes(2)).isTrue();
        assertThat(some.includes(10)).isFalse();
        assertThatThrownBy(() -> new LayerFilter(List.of("("), List.of())).isInstanceOf(InvalidOptionException.class);
        assertThatThrownBy(() -> new LayerFilter(List.of(), List.of("re:"))).isInstanceOf(InvalidOptionException.class);
    }

    @Test
    void optionsAreChecked() {
        assertThat(CaptureOptions.defaults().layerFilter().includes(5)).isTrue();
        assertThatThrownBy(() -> options(-1, 0, null, null, false)).hasMessageContaining("kv_heads");
        assertThatThrownBy(() -> options(1 << 20, 2, null, null, false)).hasMessageContaining("head_dim");
        assertThatThrownBy(() -> options(0, 0, " ", null, false)).hasMessageContaining("mask");
        assertThatThrownBy(() -> options(0, 0, null, "v", true)).hasMessageContaining("mla");
        assertThatThrownBy(() -> new CaptureOptions(
                        null,
                        null,
                        null,
                        0,
                        0,
                        null,
                        java.util.Collections.nCopies(1_001, "x"),
                        List.of(),
                        false,
                        TableColumns.DEFAULT))
                .hasMessageContaining("1001 patterns");
    }

    private static CaptureOptions options(
            int heads,
            int dim,
            @org.jspecify.annotations.Nullable String mask,
            @org.jspecify.annotations.Nullable String value,
            boolean mla) {
        return new CaptureOptions(null, value, null, heads, dim, mask, List.of(), List.of(), mla, TableColumns.DEFAULT);
    }

    @Test
    void layoutWordsIgnoreCase() {
        for (Layout layout : Layout.values()) {
            assertThat(Layout.named(layout.word().toLowerCase(java.util.Locale.ROOT)))
                    .contains(layout);
        }
        assertThat(Layout.named("THD2")).isEmpty();
    }
}
