package io.kvscale.capture.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.capture.layout.TensorNames.Match;
import io.kvscale.capture.layout.TensorNames.Part;
import io.kvscale.input.InputFile;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TensorNamesTest {
    private static final InputFile FILE = file("sample-000.safetensors");

    @ParameterizedTest
    @CsvSource({
        "layers.0.keys, 0, KEY",
        "layers.0.values, 0, VALUE",
        "model.layers.17.keys, 17, KEY",
        "cache.layers.9999.values, 9999, VALUE",
        "key_cache.3, 3, KEY",
        "value_cache.3, 3, VALUE",
        "past.key_cache.12, 12, KEY",
        "present.5.key, 5, KEY",
        "present.5.value, 5, VALUE",
        "past_key_values.29.key, 29, KEY",
        "past_key_values.29.value, 29, VALUE",
        "model.layers.1.self_attn.k, 1, KEY",
        "model.layers.1.self_attn.v, 1, VALUE",
        "layers.1.self_attn.k_cache, 1, KEY",
        "model.layers.1.self_attn.v_cache, 1, VALUE",
        "layers.007.keys, 7, KEY"
    })
    void theDefaultPatternsFindLayerAndRoleAnywhereInTheName(String name, int layer, Part part) {
        assertThat(match(defaults(), name, FILE)).isEqualTo(new Match(layer, part, false));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "model.layers.1.self_attn.k_proj.weight",
                "model.layers.1.self_attn.v_proj.weight",
                "model.layers.1.self_attn.k_proj",
                "model.layers.1.self_attn.k_scale",
                "model.layers.1.self_attn.v_scale",
                "model.layers.1.self_attn.k.weight",
                "model.layers.1.self_attn.kv",
                "model.layers.1.self_attn.q",
                "model.layers.1.self_attn.k_cache.scale",
                "model.layers.1.self_attn.k_cache_scale",
                "model.layers.1.self_attn.key",
                "model.layers.1.cross_attn.k",
                "layers.1.key",
                "layers.1.value",
                "layers.1.keys.scale",
                "layers.1.keys_scale",
                "layers.1.keysx",
                "layers.x.keys",
                "layers..keys",
                "layers.keys",
                "layer.1.keys",
                "key_cache.1.scale",
                "key_cache.1x",
                "key_cache",
                "k_cache.1",
                "present.1.keys",
                "present.1.values",
                "present.key",
                "past_key_values.1.decoder.key",
                "past_key_values.1.encoder.value",
                "past_key_values.1",
                "my_kv_cache",
                "kv_cache.1",
                "kv_cache_scale",
                "attention_mask",
                "embed_tokens.weight",
                "layers.\u0661.keys",
                ""
            })
    void otherNamesAreNeitherKeysNorValues(String name) {
        assertThat(match(defaults(), name, FILE)).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"layers.10000.keys", "key_cache.10000", "present.4294967296.key", "layers.99999999999.keys"})
    void aLayerOutOfRangeIsRefused(String name) {
        assertThatThrownBy(() -> match(defaults(), name, FILE))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("is above 9999")
                .hasMessageContaining("tensor " + name);
    }

    @ParameterizedTest
    @CsvSource({
        "0123abcd/model.layers.7.self_attn.attn.safetensors, 7",
        "model.layers.0.self_attn.attn.safetensors, 0",
        "layers.3.safetensors, 3",
        "deep/er/layer.11.safetensors, 11"
    })
    void theLayerOfAConnectorsTensorComesFromTheFileName(String file, int layer) {
        assertThat(match(defaults(), "kv_cache", file(file))).isEqualTo(new Match(layer, Part.BOTH, true));
        assertThat(match(mla(), "kv_cache", file(file))).isEqualTo(new Match(layer, Part.KEY, true));
    }

    @Test
    void aTensorNameWithALayerNeedsNoFileName() {
        assertThat(match(defaults(), "model.layers.4.self_attn.attn.kv_cache", FILE))
                .isEqualTo(new Match(4, Part.BOTH, false));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.safetensors", "layers.1/a.safetensors", "xlayers.1.safetensors", "layers.x.safetensors"})
    void aConnectorsFileNameMustContainALayer(String file) {
        assertThatThrownBy(() -> match(defaults(), "kv_cache", file(file)))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("neither the name of this tensor nor that of its file contains the layer number");
        assertThatThrownBy(() -> match(defaults(), "kv_cache", file("layers.10000.safetensors")))
                .hasMessageContaining("is above 9999");
    }

    @Test
    void aRecipesPatternReplacesTheDefaultsOfItsRole() {
        CaptureOptions both = options("blk(?P<layer>\\d+)\\.K$", "blk(?P<layer>\\d+)\\.V$", null);
        assertThat(match(both, "blk2.K", FILE)).isEqualTo(new Match(2, Part.KEY, false));
        assertThat(match(both, "blk2.V", FILE)).isEqualTo(new Match(2, Part.VALUE, false));
        assertThat(match(both, "layers.2.keys", FILE)).isNull();
        assertThat(match(both, "kv_cache", FILE)).isNull();
        CaptureOptions keys = options("blk(?P<layer>\\d+)\\.K$", null, null);
        assertThat(match(keys, "layers.2.keys", FILE)).isNull();
        assertThat(match(keys, "layers.2.values", FILE)).isEqualTo(new Match(2, Part.VALUE, false));
        CaptureOptions values = options(null, "blk(?P<layer>\\d+)\\.V$", null);
        assertThat(match(values, "layers.2.keys", FILE)).isEqualTo(new Match(2, Part.KEY, false));
        assertThat(match(values, "layers.2.values", FILE)).isNull();
    }

    @Test
    void onlyLayout2thdAllowsATensorOfKeysAndValues() {
        assertThatThrownBy(() -> match(options("(?P<layer>\\d)", "(?P<layer>\\d)", null), "t1", FILE))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("both key.tensors and value.tensors");
        assertThat(match(options("(?P<layer>\\d)", "(?P<layer>\\d)", Layout.THD2), "t1", FILE))
                .isEqualTo(new Match(1, Part.BOTH, false));
        assertThat(match(options("(?P<layer>\\d)", null, Layout.THD2), "t1", FILE))
                .isEqualTo(new Match(1, Part.BOTH, false));
    }

    @Test
    void queriesAreReadOnlyWhereTheyAreAskedFor() {
        List<String> names = List.of("layers.2.queries", "query_cache.2", "model.layers.2.self_attn.q");
        CaptureOptions asked = defaults().with(new CaptureOptions.Queries(null));
        CaptureOptions patterns = options("k(?P<layer>\\d)", "v(?P<layer>\\d)", null);
        for (String name : names) {
            assertThat(match(defaults(), name, FILE)).isNull();
            assertThat(match(asked, name, FILE)).isEqualTo(new Match(2, Part.QUERY, false));
            assertThat(match(patterns.with(new CaptureOptions.Queries(null)), name, FILE))
                    .isEqualTo(new Match(2, Part.QUERY, false));
        }
        for (String name : List.of("layers.2.self_attn.q_proj", "layers.2.self_attn.q_scale", "present.2.query")) {
            assertThat(match(asked, name, FILE)).isNull();
        }
        assertThat(match(asked, "layers.2.keys", FILE)).isEqualTo(new Match(2, Part.KEY, false));
        CaptureOptions together = options(null, null, Layout.THD2).with(new CaptureOptions.Queries(null));
        assertThat(match(together, "query_cache.2", FILE)).isEqualTo(new Match(2, Part.QUERY, false));
        CaptureOptions named = defaults().with(new CaptureOptions.Queries("Q(?P<layer>\\d)"));
        assertThat(match(named, "blk.Q3", FILE)).isEqualTo(new Match(3, Part.QUERY, false));
        assertThat(match(named, "query_cache.2", FILE)).isNull();
        assertThatThrownBy(() -> match(patterns.with(new CaptureOptions.Queries("(?P<layer>\\d)")), "k1", FILE))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("both query.tensors and key.tensors");
    }

    private static @Nullable Match match(CaptureOptions options, String tensor, InputFile file) {
        return new TensorNames(options).match(tensor, file);
    }

    private static InputFile file(String name) {
        return new InputFile("file:/x/" + name, name, "x", 1);
    }

    private static CaptureOptions defaults() {
        return CaptureOptions.defaults();
    }

    private static CaptureOptions mla() {
        return new CaptureOptions(null, null, null, 0, 0, null, List.of(), List.of(), true, TableColumns.DEFAULT);
    }

    private static CaptureOptions options(@Nullable String key, @Nullable String value, @Nullable Layout layout) {
        return new CaptureOptions(key, value, layout, 0, 0, null, List.of(), List.of(), false, TableColumns.DEFAULT);
    }
}
