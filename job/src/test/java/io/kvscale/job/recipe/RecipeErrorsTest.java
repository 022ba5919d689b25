package io.kvscale.job.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Errors in the text of recipes. */
class RecipeErrorsTest {
    private static final String NESTED =
            "quant_stage: {quant_modifiers: {QuantizationModifier: {kv_cache_scheme: {%s}}}}";
    private static final String PATH = "quant_stage.quant_modifiers.QuantizationModifier.kv_cache_scheme";

    private static Arguments wrong(String yaml, String key, String... parts) {
        return Arguments.of(yaml, key, parts);
    }

    private static Arguments scheme(String fields, String key, String... parts) {
        return wrong(NESTED.formatted(fields), PATH + "." + key, parts);
    }

    private static Arguments kvscale(String fields, String key, String... parts) {
        return wrong("{kv_cache_scheme: {}, kvscale: {" + fields + "}}", "kvscale" + key, parts);
    }

    static Stream<Arguments> schemes() {
        return Stream.of(
                scheme("num_bits: 5", "num_bits", "must be 8 or 4, got 5", "fp8"),
                scheme("num_bitz: 8", "num_bitz", "unknown key 'num_bitz'", "'num_bits'"),
                scheme("dynamic: true", "dynamic", "nothing to calibrate"),
                scheme("dynamic: local", "dynamic", "nothing to calibrate"),
                scheme("num_bits: 4, type: float, symmetric: false", "symmetric", "asymmetric", "symmetric: true"),
                scheme("observer: mse, strategy: channel", "observer", "counted by head", "attn_head"),
                scheme(
                        "observer: percentile, observer_kwargs: {percentile: 0}",
                        "observer_kwargs.percentile",
                        "[50, 100]"),
                scheme(
                        "observer: percentile, observer_kwargs: {percentile: 0.999}",
                        "observer_kwargs.percentile",
                        "is a fraction, but it is given in percent",
                        "write percentile: 99.9"),
                scheme("observer: minmix", "observer", "'minmax'"),
                scheme("observer: minmax, observer_kwargs: {avg: 1}", "observer_kwargs.avg", "averaging_constant"),
                scheme("strategy: token", "strategy", "dynamic"),
                scheme("strategy: group", "group_size", "needs a group_size"),
                scheme("scale_dtypes: float32", "scale_dtypes", "'scale_dtype'"),
                scheme("8: num_bits", "", "must be text, got 8"),
                wrong("kv_cache_scheme: 8", "kv_cache_scheme", "must be a mapping, got 8"),
                wrong("kv_cache_scheme: [a]", "kv_cache_scheme", "must be a mapping, got a list"));
    }

    static Stream<Arguments> structures() {
        return Stream.of(
                wrong(
                        "quant_stage: {quant_modifiers: {QuantizationModifier: {scheme: FP8}}}",
                        "",
                        "no kv_cache_scheme"),
                wrong("kvscale: {mla: true}", "", "no kv_cache_scheme", "kv_cache_scheme: {num_bits: 8"),
                wrong(
                        "{kv_cache_scheme: {}, QuantizationModifier: {kv_cache_scheme: {}}}",
                        "QuantizationModifier.kv_cache_scheme",
                        "second kv_cache_scheme; the first is kv_cache_scheme",
                        "keep one"),
                wrong("{kv_cache_scheme: {}, kvscal: {}}", "kvscal", "'kvscal'", "'kvscale'"),
                wrong("kv_cache_schema: {}", "kv_cache_schema", "'kv_cache_scheme'"),
                wrong("quant_stage: {quant_modifers: {}}", "quant_stage.quant_modifers", "'quant_modifiers'"),
                wrong(
                        "q_modifiers: {QuantizationModifer: {}}",
                        "q_modifiers.QuantizationModifer",
                        "'QuantizationModifier'"),
                wrong("QuantizationModifier: {ignor: []}", "QuantizationModifier.ignor", "'ignore'"),
                wrong("GPTQModifier: {damping_frac: 1}", "GPTQModifier.damping_frac", "'dampening_frac'"),
                wrong("SmoothQuantModifier: {kv_cache_scheme: {}}", "SmoothQuantModifier.kv_cache_scheme", "unknown"),
                wrong("NewModifier: {kv_cache_schem: {}}", "NewModifier.kv_cache_schem", "'kv_cache_scheme'"),
                wrong("QuantizationModifier: 5", "QuantizationModifier", "must be a mapping, got 5"),
                wrong("modifiers: [x]", "modifiers[0]", "must be a mapping, got 'x'"),
                wrong("modifiers: [{}, {x: 1}]", "modifiers[1].x", "unknown key 'x'"),
                wrong("a_stage: {kvscale: {}}", "a_stage.kvscale", "only at the top level of a recipe"),
                wrong("{kv_cache_scheme: {}, kvscale: 5}", "kvscale", "must be a mapping, got 5"),
                wrong("true: x", "", "must be text, got true"));
    }

    static Stream<Arguments> kvscaleKeys() {
        return Stream.of(
                kvscale("kv_head: 5", ".kv_head", "unknown key 'kv_head'", "'kv_heads'"),
                kvscale("kv_heads: x", ".kv_heads", "kv_heads must be a whole number from 1 to 131072, got 'x'"),
                kvscale("kv_heads: 0", ".kv_heads", "from 1 to", "got 0"),
                kvscale("head_dim: 1.5", ".head_dim", "got 1.5"),
                kvscale("head_dim: 99999999", ".head_dim", "to 131072, got 99999999"),
                kvscale("head_dim: 99999999999", ".head_dim", "got 99999999999"),
                kvscale("kv_heads: 131072, head_dim: 2", "", "is not within"),
                kvscale(
                        "layout: BSDH",
                        ".layout",
                        "BHSD, BSHD, HSD, SHD, 2THD, got 'BSDH'",
                        "write one of these words"),
                kvscale("layout: [a]", ".layout", "got a list"),
                kvscale("mask: false", ".mask", "must be text, got false", "quotes"),
                kvscale("mask: ''", "", "mask"),
                kvscale("targets: 5", ".targets", "list of texts, got 5"),
                kvscale("targets: [[a]]", ".targets", "got a list"),
                kvscale("targets: ['(']", ".targets", "does not compile"),
                kvscale("ignore: ['re:(a']", ".ignore", "does not compile"),
                kvscale("hybrid: 1", ".hybrid", "true or false, got 1"),
                kvscale("mla: 'true'", ".mla", "got 'true'", "quotes"),
                kvscale("mla: true, value: {tensors: 'v(?P<layer>1)'}", "", "no V", "remove"),
                kvscale("allow_zero: maybe", ".allow_zero", "got 'maybe'"),
                kvscale("on_nonfinite: drop", ".on_nonfinite", "fail, skip, got 'drop'"),
                kvscale("keys: rope", ".keys.rope", "after_rope, before_rope, got 'rope'"),
                kvscale("keys: {rope: after}", ".keys.rope", "after_rope, before_rope, got 'after'"),
                kvscale("keys: [before_rope]", ".keys.rope", "got a list"),
                kvscale("keys: {envelop: true}", ".keys.envelop", "unknown key 'envelop'", "'envelope'"),
                kvscale("keys: {envelope: yes please}", ".keys.envelope", "true or false, got 'yes please'"),
                kvscale("keys: {pairing: full}", ".keys.pairing", "half, interleaved, got 'full'"),
                kvscale("keys: {pairing: half}", ".keys.pairing", "only one of pairing and rotary_dim", "write both"),
                kvscale("keys: {rotary_dim: 64}", ".keys.rotary_dim", "only one of pairing and rotary_dim"),
                kvscale("keys: {pairing: half, rotary_dim: 63}", ".keys.rotary_dim", "63, which makes no pairs"),
                kvscale("keys: {pairing: half, rotary_dim: 0}", ".keys.rotary_dim", "from 2 to 131072, got 0"),
                kvscale("statistics: [histogram, 1]", ".statistics", "one or a list of range, histogram, pairs, got 1"),
                kvscale(
                        "statistics: histogram, keys: {envelope: true}",
                        ".statistics",
                        "observer envelope needs the norms of RoPE pairs, but statistics is histogram",
                        "write statistics: [histogram, pairs]"),
                kvscale(
                        "keys: {envelope: true}, key: {scheme: {observer: mse}}",
                        ".keys.envelope",
                        "the observer of K is mse",
                        "remove one of the two"),
                kvscale(
                        "value: {scheme: {observer: envelope}}",
                        ".value.scheme.observer",
                        "observer envelope is for K only",
                        "the scales of V",
                        "keys: {envelope: true} under kvscale"),
                wrong(
                        "kv_cache_scheme: {observer: envelope}",
                        "kv_cache_scheme.observer",
                        "observer envelope is for K only"),
                kvscale("scale_dtype: float16", ".scale_dtype", "float32, input, got 'float16'"),
                kvscale("statistics: {}", ".statistics", "range"),
                kvscale("statistics: histograms", ".statistics", "histogram"),
                kvscale("overrides: {}", ".overrides", "must be a list", "- before"),
                kvscale("overrides: [5]", ".overrides[0]", "must be a mapping, got 5"),
                kvscale("overrides: [{layer: x}]", ".overrides[0].layer", "'layers'"),
                kvscale("overrides: [{layers: x}]", ".overrides[0].scheme", "no scheme", "write what differs"),
                kvscale("overrides: [{scheme: {num_bits: 4}}]", ".overrides[0].layers", "names no layers", "regular"),
                kvscale(
                        "overrides: [{layers: nothing, scheme: {num_bits: 4}}]",
                        ".overrides[0].layers",
                        "'nothing' matches no layer of any model",
                        "model.layers.0"),
                kvscale(
                        "overrides: [{layers: '(', scheme: {num_bits: 4}}]",
                        ".overrides[0].layers",
                        "does not compile"),
                kvscale(
                        "overrides: [{layers: '1', role: k, scheme: {num_bits: 4}}]",
                        ".overrides[0].role",
                        "key, value, both"),
                kvscale("overrides: [{layers: '1', scheme: {num_bits: 5}}]", ".overrides[0].scheme.num_bits", "got 5"),
                kvscale("key: {tensor: x}", ".key.tensor", "'tensors'"),
                kvscale("value: {shceme: x}", ".value.shceme", "'scheme'"),
                kvscale("key: [1]", ".key", "must be a mapping, got a list"),
                kvscale("key: {tensors: 1}", ".key.tensors", "must be text, got 1"),
                kvscale("key: {tensors: 'layers\\.\\d+'}", ".key.tensors", "no group named layer", "(?P<layer>"),
                kvscale("key: {tensors: '(?P<layer>'}", ".key.tensors", "does not compile"),
                kvscale("value: {tensors: '((((a{100}){100}){100}){100})(?P<layer>1)'}", ".value.tensors", "too much"),
                kvscale("key: {scheme: {num_bits: 3}}", ".key.scheme.num_bits", "got 3"),
                kvscale("key: {scheme: {bits: 3}}", ".key.scheme.bits", "'num_bits'"),
                kvscale("value: {scheme: {dynamic: true}}", ".value.scheme.dynamic", "nothing to calibrate"),
                kvscale("key: {scheme: {strategy: group}}", ".key.scheme.group_size", "needs a group_size"));
    }

    static Stream<Arguments> textKeys() {
        return Stream.of(
                kvscale("max_seq_len: 5", ".max_seq_len", "'max_seq_length'"),
                kvscale("max_seq_length: 0", ".max_seq_length", "from 1 to", "got 0"),
                kvscale("num_calibration_samples: -1", ".num_calibration_samples", "from 1 to", "got -1"),
                kvscale("shuffle: yes please", ".shuffle", "true or false, got 'yes please'"),
                kvscale("seed: 1.5", ".seed", "whole number", "got 1.5"),
                kvscale("seed: 99999999999999999999", ".seed", "got 99999999999999999999"),
                kvscale("fields: text", ".fields", "must be a mapping, got 'text'"),
                kvscale("fields: {body: text}", ".fields.body", "unknown key 'body'", "completion"),
                kvscale("fields: {text: 1}", ".fields.text", "must be text, got 1"),
                kvscale("fields: {text: ''}", ".fields.text", "empty", "remove text"),
                kvscale("concatenate_data: true", ".concatenate_data", "the length", "add max_seq_length"),
                kvscale("concatenate_data: true, max_seq_length: 8, long_texts: windows", ".long_texts", "remove one"),
                kvscale("long_texts: cut", ".long_texts", "truncate, windows, got 'cut'"),
                kvscale("add_special_tokens: 1", ".add_special_tokens", "true or false, got 1"),
                kvscale("generation_prompt: x", ".generation_prompt", "true or false, got 'x'"),
                kvscale("max_bad_records: -1", ".max_bad_records", "from 0", "got -1"),
                kvscale("max_failed_samples: x", ".max_failed_samples", "from 0", "got 'x'"),
                kvscale("model_file: ../model.onnx", ".model_file", "name of a file", "--model"),
                kvscale("model_file: 'a\\b'", ".model_file", "name of a file", "--model"),
                kvscale("model_file: ..", ".model_file", "got '..'"),
                kvscale("model_file: ' '", ".model_file", "got ' '"),
                kvscale("feedback: quantize", ".feedback", "none, fake_quantize, got 'quantize'"),
                kvscale("residual_length: 8", ".residual_length", "later chunks", "add feedback: fake_quantize"),
                kvscale("feedback: fake_quantize, residual_length: -1", ".residual_length", "from 0", "got -1"),
                kvscale("chunk_tokens: 15", ".chunk_tokens", "from 16 to", "got 15"));
    }

    @ParameterizedTest
    @MethodSource({"schemes", "structures", "kvscaleKeys", "textKeys"})
    void errorsNameCausePlaceAndRemedy(String yaml, String key, String[] parts) {
        assertThatThrownBy(() -> Recipe.parse(yaml, "r.yaml")).isInstanceOfSatisfying(RecipeException.class, e -> {
            assertThat(e.getMessage()).contains(parts);
            assertThat(e.toString().lines()).hasSize(3);
            assertThat(e.getMessage()).contains("\n  in recipe r.yaml");
            assertThat(e.key()).isEqualTo(key.endsWith(".") ? key.substring(0, key.length() - 1) : key);
        });
    }

    private static String billionLaughs() {
        StringBuilder yaml = new StringBuilder("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
        for (int i = 1; i < 30; i++) {
            yaml.append("a%d: &a%d [".formatted(i, i))
                    .append("*a%d, ".formatted(i - 1).repeat(9))
                    .append("]\n");
        }
        return yaml + "kv_cache_scheme: {}\n";
    }

    /** The maximum number of aliases, nested for the fastest growth. */
    private static String maximumAliases() {
        StringBuilder yaml = new StringBuilder("args:\n  a0: &a0 [x]\n");
        for (int i = 1; i <= 6; i++) {
            yaml.append("  ? &a%d [".formatted(i))
                    .append("*a%d, ".formatted(i - 1).repeat(3))
                    .append("]\n  : 1\n");
        }
        return yaml + "nothing: 1\n";
    }

    static Stream<Arguments> notRecipes() {
        return Stream.of(
                Arguments.of("", "empty"),
                Arguments.of("# only a comment\n", "empty"),
                Arguments.of("---\n...\n", "empty"),
                Arguments.of("just text", "must be a mapping, got 'just text'"),
                Arguments.of("- a\n- b\n", "must be a mapping, got a list"),
                Arguments.of("42", "must be a mapping, got 42"),
                Arguments.of("a: [", "not valid YAML"),
                Arguments.of("a:\n\t- b", "line 2"),
                Arguments.of("a: 1\na: 2\n", "duplicate key"),
                Arguments.of("a: 1\n---\nb: 2\n", "not valid YAML"),
                Arguments.of("\u0000\u0001\u0002\u0003ELF", "not valid YAML"),
                Arguments.of("!!javax.script.ScriptEngineManager [!!java.net.URL ['http://localhost/']]", "tag"),
                Arguments.of("kv_cache_scheme: !!java.util.Date 5", "tag"),
                Arguments.of("- !QuantizationModifier\n  a: 1\n", "tag"),
                Arguments.of("x: !!python/tuple [1]", "tag"),
                Arguments.of("args: &a [*a]\nkv_cache_scheme: {}\n", "contains itself"),
                Arguments.of("args: &a {b: {c: *a}}\nkv_cache_scheme: {}\n", "contains itself"),
                Arguments.of("x_stage: &a {y_stage: *a}\n", "contains itself"),
                Arguments.of("&a {? *a : 1}", "not valid YAML"),
                Arguments.of("args: &a {<<: *a, b: 1}\nnothing: 1", "r.yaml"),
                Arguments.of("args: &a {<<: [*a, {c: &b {<<: *b}}], b: 1}\nnothing: 1", "r.yaml"),
                Arguments.of(billionLaughs(), "aliases"),
                Arguments.of(maximumAliases(), "unknown key 'nothing'"),
                Arguments.of("[".repeat(5_000), "nested more than 40 deep"),
                Arguments.of("{a: ".repeat(5_000), "nested more than 40 deep"),
                Arguments.of("- ".repeat(500_000), "r.yaml"),
                Arguments.of("? ".repeat(400_000), "r.yaml"),
                Arguments.of("a: " + "x".repeat(10 << 20), "more than 1048576"),
                Arguments.of("a: 2001-99-99", "r.yaml"),
                Arguments.of("a: !!int x", "r.yaml"),
                Arguments.of("a: !!timestamp x", "r.yaml"),
                Arguments.of("a: " + "9".repeat(900_000), "unknown key 'a'"),
                Arguments.of("a: 1" + ":59".repeat(300_000), "r.yaml"),
                Arguments.of("x".repeat(100_000) + ": 1", "r.yaml"),
                Arguments.of("\"a\\n\\e[31m\": 1", "unknown key"));
    }

    @ParameterizedTest
    @MethodSource("notRecipes")
    void textThatIsNotARecipeIsRefusedSoon(String yaml, String part) {
        Assertions.assertTimeoutPreemptively(
                Duration.ofSeconds(20),
                () -> assertThatThrownBy(() -> Recipe.parse(yaml, "r.yaml"))
                        .isInstanceOf(RecipeException.class)
                        .hasMessageContaining(part)
                        .satisfies(e -> {
                            assertThat(e.getMessage())
                                    .contains("in recipe r.yaml")
                                    .hasSizeLessThan(2_000);
                            assertThat(e.toString().lines()).hasSize(3);
                            assertThat(e.toString().replace("\n", "")).doesNotContainPattern("\\p{Cntrl}");
                        }));
    }

    @Test
    void yamlErrorsNameThePlace() {
        assertThatThrownBy(() -> Recipe.parse("kv_cache_scheme: {num_bits: 8\nkvscale:\n", "r.yaml"))
                .hasMessageContaining("line 2")
                .hasMessageContaining("column");
    }
}
