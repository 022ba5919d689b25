package io.kvscale.job.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.Layout;
import io.kvscale.capture.layout.TableColumns;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.search.MovingAverage;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reading of recipes. */
class RecipeTest {
    /** The recipe of the documentation. */
    static final String CONTRACT = """
            quant_stage:
              quant_modifiers:
                QuantizationModifier:
                  kv_cache_scheme: {num_bits: 8, type: float, strategy: tensor, dynamic: false, symmetric: true}
            kvscale:
              key:   {tensors: 'layers\\.(?P<layer>\\d+)\\.keys'}
              value: {tensors: 'layers\\.(?P<layer>\\d+)\\.values'}
            """;

    /** All keys under kvscale. */
    static final String FULL = """
            kv_cache_scheme: {num_bits: 8, type: int}
            kvscale:
              key:
                tensors: 'k\\.(?<layer>\\d+)'
                scheme: {strategy: channel}
              value:
                tensors: 'v\\.(?<layer>\\d+)'
                scheme: {num_bits: 4, group_size: 32, observer: minmax, observer_kwargs: {averaging_constant: 0.5}}
              layout: 2THD
              kv_heads: 8
              head_dim: 128
              mask: mine
              targets: ['re:.*layers\\..*']
              ignore: 'layers\\.0\\.'
              hybrid: true
              mla: false
              allow_zero: true
              on_nonfinite: skip
              keys: before_rope
              scale_dtype: input
              statistics: histogram
            """;

    private static Recipe parse(String yaml) {
        return Recipe.parse(yaml, "r.yaml");
    }

    private static QuantizationScheme scheme(NumberFormat format, Strategy strategy, int group, ScaleDtype dtype) {
        return new QuantizationScheme(format, strategy, group, true, new StaticMinMax(), dtype);
    }

    @Test
    void theDocumentedRecipeIsRead() {
        Recipe recipe = parse(CONTRACT);
        assertThat(recipe.name()).isEqualTo("r.yaml");
        assertThat(recipe.schemes().key()).isEqualTo(QuantizationScheme.fp8());
        assertThat(recipe.schemes().value()).isEqualTo(QuantizationScheme.fp8());
        assertThat(recipe.capture())
                .isEqualTo(new CaptureOptions(
                        "layers\\.(?P<layer>\\d+)\\.keys",
                        "layers\\.(?P<layer>\\d+)\\.values",
                        null,
                        0,
                        0,
                        null,
                        List.of(),
                        List.of(),
                        false,
                        TableColumns.DEFAULT));
        assertThat(recipe.notices()).singleElement().asString().contains("names no observer");
        assertThat(recipe.onNonfinite()).isEqualTo(OnNonfinite.FAIL);
    }

    @Test
    void theSchemeAloneIsARecipe() {
        for (String yaml : List.of(
                "kv_cache_scheme: {num_bits: 8, type: float}",
                "{\"kv_cache_scheme\": {\"num_bits\": 8, \"type\": \"float\"}}",
                "\uFEFFkv_cache_scheme:\r\n  num_bits: 8\r\n  type: float\r\n",
                "kv_cache_scheme: {num_bits: 8, type: float}\nkvscale:\n")) {
            Recipe recipe = parse(yaml);
            assertThat(recipe.schemes().key()).isEqualTo(QuantizationScheme.fp8());
            assertThat(recipe.capture()).isEqualTo(CaptureOptions.defaults());
            assertThat(recipe.hybrid() || recipe.mla() || recipe.allowZero() || recipe.keysBeforeRope())
                    .isFalse();
        }
    }

    @Test
    void everyKvscaleKeyIsRead() {
        Recipe recipe = parse(FULL);
        assertThat(recipe.schemes().key()).isEqualTo(scheme(NumberFormat.INT8, Strategy.CHANNEL, 0, ScaleDtype.INPUT));
        assertThat(recipe.schemes().value())
                .isEqualTo(new QuantizationScheme(
                        NumberFormat.INT4, Strategy.GROUP, 32, true, new MovingAverage(0.5), ScaleDtype.INPUT));
        assertThat(recipe.capture())
                .isEqualTo(new CaptureOptions(
                        "k\\.(?<layer>\\d+)",
                        "v\\.(?<layer>\\d+)",
                        Layout.THD2,
                        8,
                        128,
                        "mine",
                        List.of("re:.*layers\\..*"),
                        List.of("layers\\.0\\."),
                        false,
                        TableColumns.DEFAULT));
        assertThat(recipe.statistics()).isEqualTo(StatisticsKind.HISTOGRAM);
        assertThat(recipe.hybrid()).isTrue();
        assertThat(recipe.allowZero()).isTrue();
        assertThat(recipe.onNonfinite()).isEqualTo(OnNonfinite.SKIP);
        assertThat(recipe.keysBeforeRope()).isTrue();
        assertThat(recipe.notices()).singleElement().asString().contains("before_rope", "after RoPE");
    }

    @Test
    void mlaAndASinglePattern() {
        assertThat(parse("{kv_cache_scheme: {}, kvscale: {mla: true}}").mla()).isTrue();
        CaptureOptions capture = parse("{kv_cache_scheme: {}, kvscale: {key: {tensors: 'k(?P<layer>\\d+)'}}}")
                .capture();
        assertThat(capture.keyTensors()).isEqualTo("k(?P<layer>\\d+)");
        assertThat(capture.valueTensors()).isNull();
    }

    @Test
    void nullKvscaleKeysCountAsAbsent() {
        Recipe recipe = parse(
                "{kv_cache_scheme: {}, kvscale: {key: , value: {scheme: }, layout: , kv_heads: , mask: , targets: ,"
                        + " hybrid: , on_nonfinite: , keys: , scale_dtype: , statistics: }}");
        assertThat(recipe).isEqualTo(Recipe.parse("kv_cache_scheme: {}", "r.yaml"));
        assertThat(recipe.statistics()).isEqualTo(StatisticsKind.RANGE);
        assertThat(parse("{kv_cache_scheme: {}, kvscale: {statistics: range}}").statistics())
                .isEqualTo(StatisticsKind.RANGE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "quant_stage: {quant_modifiers: {QuantizationModifier: {kv_cache_scheme: {type: float}}}}",
                "DEFAULT_stage: {DEFAULT_modifiers: {GPTQModifier: {kv_cache_scheme: {type: float}}}}",
                "test_stage_0: {run_type: oneshot, quant_modifiers: {AWQModifier: {kv_cache_scheme: {type: float}}}}",
                "QuantizationModifier: {kv_cache_scheme: {type: float}}",
                "quant_modifiers: {QuantizationModifier: {kv_cache_scheme: {type: float}}}",
                "modifiers: [{SmoothQuantModifier: }, {QuantizationModifier: {kv_cache_scheme: {type: float}}}]",
                "s_stage: {modifiers: [{QuantizationModifier: {kv_cache_scheme: {type: float}}}], args: {a: 1}}",
                "s_stage: {QuantizationModifier: {kv_cache_scheme: {type: float}, scheme: FP8, targets: Linear}}",
                "{a_stage: , s_stage: {x_modifiers: {BrandNewModifier: {kv_cache_scheme: {type: float}, z: 1}}}}",
                "{QuantizationModifier: {kv_cache_scheme: }, GPTQModifier: {kv_cache_scheme: {type: float}}}",
                "{args: &x {type: float}, QuantizationModifier: {kv_cache_scheme: *x}}"
            })
    void anyNestingOfStagesAndModifiers(String yaml) {

        assertThat(parse(yaml).schemes().key()).isEqualTo(QuantizationScheme.fp8());
    }

    @Test
    void keysWithoutEffectAreReportedOnce() {
        Recipe recipe = parse("""
                quant_stage:
                  run_type: oneshot
                  quant_modifiers:
                    IMatrixGatherer:
                    SmoothQuantModifier: {smoothing_strength: 0.8}
                    QuantizationModifier:
                      ignore: [lm_head]
                      targets: [Linear]
                      config_groups: {group_0: {weights: {num_bits: 4}}}
                      kv_cache_scheme: {type: float, scale_dtype: torch.float32, zp_dtype: torch.int8}
                more_modifiers:
                  QuantizationModifier: {ignore: [a], weight_observer: mse}
                """);
        assertThat(recipe.notices()).hasSize(3);
        assertThat(recipe.notices().get(2)).contains("names no observer");
        assertThat(recipe.notices().get(0))
                .contains(
                        "run_type",
                        "IMatrixGatherer",
                        "SmoothQuantModifier.smoothing_strength",
                        "QuantizationModifier.config_groups",
                        "QuantizationModifier.weight_observer")
                .containsOnlyOnce("QuantizationModifier.ignore");
        assertThat(recipe.notices().get(1))
                .contains("kv_cache_scheme.scale_dtype", "kv_cache_scheme.zp_dtype")
                .containsOnlyOnce("kv_cache_scheme.scale_dtype");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{QuantizationModifier: {kv_cache_scheme: {type: float}}}; true",
                "{quant_stage: {quant_modifiers: {GPTQModifier: {kv_cache_scheme: {observer: null}}}}}; true",
                "{modifiers: [{AWQModifier: {kv_cache_scheme: {}}}], kvscale: {key: {scheme: {observer: minmax}}}}; true",
                "{QuantizationModifier: {kv_cache_scheme: {observer: minmax}}}; false",
                "{QuantizationModifier: {kv_cache_scheme: {observer: static_minmax}}}; false",
                "{AWQModifier: {kv_cache_scheme: {}}, kvscale: {key: {scheme: {observer: mse}}, value: {scheme:"
                        + " {observer: mse}}}}; false",
                "{quant_stage: {kv_cache_scheme: {}}}; false",
                "{kv_cache_scheme: {}}; false"
            })
    void theDefaultObserverIsSaidWhereLlmCompressorHasAnother(String yaml, boolean said) {
        Recipe recipe = parse(yaml);
        assertThat(recipe.notices().stream().filter(notice -> notice.contains("observer")))
                .hasSize(said ? 1 : 0)
                .allMatch(notice ->
                        notice.equals("the recipe names no observer: kvscale takes static_minmax, the range of"
                                + " all values; llm-compressor would take minmax, a moving average over batches (write"
                                + " observer: minmax for that one)"));
    }

    @Test
    void noticesStayShort() {
        StringBuilder yaml = new StringBuilder("kv_cache_scheme: {}\nXModifier:\n");
        for (int i = 0; i < 5_000; i++) {
            yaml.append("  key").append(i).append(": 1\n");
        }
        assertThat(parse(yaml.toString()).notices().get(0))
                .contains("4980 more")
                .hasSizeLessThan(1_000);
    }

    @Test
    void anOverrideReplacesDependentKeys() {
        String base = "kv_cache_scheme: {strategy: group, group_size: 64, observer: minmax,"
                + " observer_kwargs: {averaging_constant: 0.5}}\nkvscale: {key: {scheme: ";
        QuantizationScheme byHead =
                parse(base + "{strategy: attn_head}}}").schemes().key();
        assertThat(byHead.strategy()).isEqualTo(Strategy.ATTN_HEAD);
        assertThat(byHead.observer()).isEqualTo(new MovingAverage(0.5));
        assertThat(parse(base + "{group_size: 32}}}").schemes().key().groupSize())
                .isEqualTo(32);
        assertThat(parse(base + "{strategy: group}}}").schemes().key().groupSize())
                .isEqualTo(64);
        assertThat(parse(base + "{group_size: -1}}}").schemes().key().strategy())
                .isEqualTo(Strategy.CHANNEL);
        assertThat(parse(base + "{observer: static_minmax}}}").schemes().key().observer())
                .isEqualTo(new StaticMinMax());
        assertThat(parse(base + "{observer: static_minmax}}}").schemes().value().observer())
                .isEqualTo(new MovingAverage(0.5));
        assertThat(parse("{kv_cache_scheme: {}, kvscale: {key: {scheme: {group_size: 8}}}}")
                        .schemes()
                        .key()
                        .strategy())
                .isEqualTo(Strategy.GROUP);
    }

    @Test
    void scaleDtypeUnderKvscaleWins() {
        String base = "{kv_cache_scheme: {scale_dtype: %s}, kvscale: {scale_dtype: %s, key: {scheme: {%s}}}}";
        Recipe theirs = parse(base.formatted("input", "null", ""));
        assertThat(theirs.schemes().key().scaleDtype()).isEqualTo(ScaleDtype.INPUT);
        assertThat(theirs.notices()).isEmpty();
        Recipe ours = parse(base.formatted("float32", "input", ""));
        assertThat(ours.schemes().key().scaleDtype()).isEqualTo(ScaleDtype.INPUT);
        assertThat(ours.notices()).singleElement().asString().contains("kv_cache_scheme.scale_dtype");
        Recipe both = parse(base.formatted("null", "input", "scale_dtype: float32"));
        assertThat(both.schemes().key().scaleDtype()).isEqualTo(ScaleDtype.FLOAT32);
        assertThat(both.schemes().value().scaleDtype()).isEqualTo(ScaleDtype.INPUT);
        Recipe torch = parse(base.formatted("null", "null", "scale_dtype: torch.float16"));
        assertThat(torch.notices()).singleElement().asString().contains("kvscale.key.scheme.scale_dtype");
    }

    @Test
    void shipsToExecutors() throws Exception {
        Recipe recipe = parse(FULL);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(recipe);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertThat(in.readObject()).isEqualTo(recipe);
        }
        assertThatThrownBy(() -> recipe.notices().add("x")).isInstanceOf(UnsupportedOperationException.class);
    }
}
