package io.kvscale.scheme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.search.MovingAverage;
import io.kvscale.quant.search.Mse;
import io.kvscale.quant.search.Percentile;
import io.kvscale.quant.search.ShrinkGrid;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class KvCacheSchemeTest {
    @Test
    void anEmptySchemeIsInt8ByTensorAsInCompressedTensors() {
        assertThat(KvCacheScheme.parse(Map.of())).isEqualTo(QuantizationScheme.of(NumberFormat.INT8, Strategy.TENSOR));
    }

    @Test
    void fp8WithOneScalePerTensor() {
        assertThat(KvCacheScheme.parse(Map.of(
                        "num_bits", 8, "type", "float", "strategy", "tensor", "dynamic", false, "symmetric", true)))
                .isEqualTo(QuantizationScheme.fp8());
    }

    static Stream<Arguments> formats() {
        return Stream.of(
                Arguments.of(8, "int", NumberFormat.INT8),
                Arguments.of(4, "int", NumberFormat.INT4),
                Arguments.of(8, "float", NumberFormat.FP8_E4M3),
                Arguments.of(4, "FLOAT", NumberFormat.FP4_E2M1));
    }

    @ParameterizedTest
    @MethodSource("formats")
    void bitsAndTypeGiveTheFormat(int bits, String type, NumberFormat format) {
        assertThat(KvCacheScheme.parse(Map.of("num_bits", bits, "type", type)).format())
                .isEqualTo(format);
    }

    @Test
    void groupSizeImpliesTheStrategy() {
        assertThat(KvCacheScheme.parse(Map.of("group_size", 32)).strategy()).isEqualTo(Strategy.GROUP);
        assertThat(KvCacheScheme.parse(Map.of("group_size", 32)).groupSize()).isEqualTo(32);
        assertThat(KvCacheScheme.parse(Map.of("group_size", -1)).strategy()).isEqualTo(Strategy.CHANNEL);
        assertThat(KvCacheScheme.parse(Map.of("group_size", -1)).groupSize()).isZero();
        assertThat(KvCacheScheme.parse(Map.of("group_size", -1, "strategy", "Channel"))
                        .strategy())
                .isEqualTo(Strategy.CHANNEL);
    }

    @Test
    void nullFieldsAreDefaults() {
        Map<String, Object> fields = new HashMap<>();
        for (String key : List.of(
                "strategy",
                "group_size",
                "block_structure",
                "actorder",
                "scale_dtype",
                "zp_dtype",
                "observer",
                "observer_kwargs")) {
            fields.put(key, null);
        }
        List<String> notActedOn = new ArrayList<>();
        assertThat(KvCacheScheme.parse(fields, notActedOn::add)).isEqualTo(KvCacheScheme.parse(Map.of()));
        assertThat(notActedOn).isEmpty();
        assertThat(KvCacheScheme.parse(Map.of("actorder", false))).isEqualTo(KvCacheScheme.parse(Map.of()));
    }

    @Test
    void dtypesOfLlmCompressorAreReportedAsWithoutEffect() {
        List<String> notActedOn = new ArrayList<>();
        QuantizationScheme scheme =
                KvCacheScheme.parse(Map.of("scale_dtype", "torch.float32", "zp_dtype", "torch.int8"), notActedOn::add);
        assertThat(scheme.scaleDtype()).isEqualTo(ScaleDtype.FLOAT32);
        assertThat(notActedOn).containsExactlyInAnyOrder("scale_dtype", "zp_dtype");
    }

    @Test
    void minmaxTakesAnAveragingConstant() {
        QuantizationScheme scheme =
                KvCacheScheme.parse(Map.of("observer", "minmax", "observer_kwargs", Map.of("averaging_constant", 0.5)));
        assertThat(scheme.observer()).isEqualTo(new MovingAverage(0.5));
        assertThat(KvCacheScheme.parse(Map.of("observer", "minmax", "observer_kwargs", Map.of()))
                        .observer())
                .isEqualTo(new MovingAverage(0.01));
        assertThat(KvCacheScheme.parse(Map.of("observer", "minmax", "observer_kwargs", Map.of("averaging_constant", 1)))
                        .observer())
                .isEqualTo(new MovingAverage(1));
    }

    static Stream<Arguments> wrong() {
        return Stream.of(
                wrong(Map.of("num_bit", 8), "num_bit", "unknown key 'num_bit'", "num_bits"),
                wrong(Map.of("num_bits", 6), "num_bits", "must be 8 or 4, got 6", "int8, int4"),
                wrong(Map.of("num_bits", "8"), "num_bits", "got '8'", "int8"),
                wrong(Map.of("num_bits", 8.0), "num_bits", "got 8.0", "int8"),
                wrong(Map.of("type", "flaot"), "type", "one of int, float, got 'flaot'", "'float'"),
                wrong(Map.of("type", 5), "type", "got 5", "write one of these words"),
                wrong(Map.of("symmetric", "yes"), "symmetric", "true or false, got 'yes'", "quotes"),
                wrong(
                        Map.of("num_bits", 4, "type", "float", "symmetric", false),
                        "symmetric",
                        "fp4_e2m1 has no asymmetric form",
                        "symmetric: true"),
                wrong(Map.of("strategy", "heads"), "strategy", "got 'heads'", "write one of these words"),
                wrong(Map.of("strategy", "token"), "strategy", "dynamic scales only", "attn_head"),
                wrong(Map.of("strategy", "tensor_group"), "strategy", "NVFP4", "tensor"),
                wrong(Map.of("strategy", "block"), "strategy", "weights", "tensor"),
                wrong(Map.of("strategy", "group"), "group_size", "needs a group_size", "divisor"),
                wrong(Map.of("strategy", "tensor", "group_size", 32), "group_size", "strategy group only", "remove"),
                wrong(Map.of("strategy", "tensor", "group_size", -1), "group_size", "channel", "remove"),
                wrong(Map.of("strategy", "group", "group_size", -1), "group_size", "channel", "how many"),
                wrong(Map.of("group_size", 0), "group_size", "got 0", "-1"),
                wrong(Map.of("group_size", -2), "group_size", "got -2", "-1"),
                wrong(Map.of("group_size", List.of(1)), "group_size", "got a list", "-1"),
                wrong(Map.of("dynamic", true), "dynamic", "nothing to calibrate", "dynamic: false"),
                wrong(Map.of("dynamic", "local"), "dynamic", "nothing to calibrate", "dynamic: false"),
                wrong(Map.of("dynamic", "maybe"), "dynamic", "true or false", "quotes"),
                wrong(Map.of("actorder", "group"), "actorder", "weights", "remove"),
                wrong(Map.of("block_structure", List.of(1, 2)), "block_structure", "weights", "remove"),
                wrong(Map.of("observer", "mse", "strategy", "channel"), "observer", "counted by head", "attn_head"),
                wrong(
                        Map.of("observer", "percentile", "group_size", 32),
                        "observer",
                        "counted by head",
                        "static_minmax"),
                wrong(
                        Map.of("observer", "entropy", "type", "float"),
                        "observer",
                        "int8 and int4, not for",
                        "observer: mse"),
                wrong(
                        Map.of("observer", "mse", "observer_kwargs", Map.of("norm", 0)),
                        "observer_kwargs.norm",
                        "norm 0.0 is out of bounds",
                        "(0, 16]"),
                wrong(
                        Map.of("observer", "mse", "observer_kwargs", Map.of("percentile", 99)),
                        "observer_kwargs.percentile",
                        "mse takes no percentile",
                        "observer: percentile"),
                wrong(
                        Map.of("observer", "mse", "observer_kwargs", Map.of("maxshrink", 0.001, "grid", 10)),
                        "observer_kwargs.maxshrink",
                        "no candidate",
                        "1/grid"),
                wrong(
                        Map.of("observer", "mse", "observer_kwargs", Map.of("grid", 1e9)),
                        "observer_kwargs.grid",
                        "out of bounds",
                        "10000"),
                wrong(
                        Map.of("observer", "mse", "observer_kwargs", Map.of("patience", "x")),
                        "observer_kwargs.patience",
                        "a number, got 'x'",
                        "quotes"),
                wrong(
                        Map.of("observer", "percentile", "observer_kwargs", Map.of("percentile", 0)),
                        "observer_kwargs.percentile",
                        "is out of bounds",
                        "[50, 100]"),
                wrong(
                        Map.of("observer", "percentile", "observer_kwargs", Map.of("percentile", 100.1)),
                        "observer_kwargs.percentile",
                        "is out of bounds",
                        "[50, 100]"),
                wrong(
                        Map.of("observer", "percentile", "observer_kwargs", Map.of("percentile", 49.9)),
                        "observer_kwargs.percentile",
                        "49.9 is out of bounds",
                        "99.99"),
                wrong(
                        Map.of("observer", "percentile", "observer_kwargs", Map.of("percentile", 0.9999)),
                        "observer_kwargs.percentile",
                        "percentile 0.9999 is a fraction, but it is given in percent",
                        "write percentile: 99.99"),
                wrong(
                        Map.of("observer", "percentile", "observer_kwargs", Map.of("percentile", 0.3)),
                        "observer_kwargs.percentile",
                        "0.3 is a fraction",
                        "write percentile: 99.99"),
                wrong(
                        Map.of("observer", "percentile", "observer_kwargs", Map.of("percentile", 1)),
                        "observer_kwargs.percentile",
                        "1.0 is a fraction",
                        "write percentile: 100"),
                wrong(Map.of("format", "e5m2"), "format", "goes with num_bits: 8, type: float", "type: float"),
                wrong(Map.of("type", "float", "format", "e6m1"), "format", "got 'e6m1'", "write one of these words"),
                wrong(Map.of("observer", "static_minmux"), "observer", "got 'static_minmux'", "'static_minmax'"),
                wrong(Map.of("observer_kwargs", "x"), "observer_kwargs", "a mapping, got 'x'", "averaging_constant"),
                wrong(
                        Map.of("observer", "minmax", "observer_kwargs", Map.of("average_constant", 1)),
                        "observer_kwargs.average_constant",
                        "unknown key 'average_constant'",
                        "averaging_constant"),
                wrong(
                        Map.of("observer_kwargs", Map.of("averaging_constant", 0.1)),
                        "observer_kwargs.averaging_constant",
                        "static_minmax takes no",
                        "observer: minmax"),
                wrong(
                        Map.of("observer", "minmax", "observer_kwargs", Map.of("averaging_constant", "x")),
                        "observer_kwargs.averaging_constant",
                        "a number, got 'x'",
                        "quotes"),
                wrong(
                        Map.of("observer", "minmax", "observer_kwargs", Map.of("averaging_constant", Double.NaN)),
                        "observer_kwargs.averaging_constant",
                        "NaN is out of bounds",
                        "(0, 1]"));
    }

    private static Arguments wrong(Map<String, Object> fields, String key, String what, String remedy) {
        return Arguments.of(fields, key, what, remedy);
    }

    @ParameterizedTest
    @MethodSource("wrong")
    void anInvalidSchemeNamesTheKeyAndTheRemedy(Map<String, Object> fields, String key, String what, String remedy) {
        assertThatThrownBy(() -> KvCacheScheme.parse(fields))
                .isInstanceOfSatisfying(InvalidSchemeException.class, e -> {
                    assertThat(e.key()).isEqualTo(key);
                    assertThat(e.what()).contains(what);
                    assertThat(e.remedy()).contains(remedy);
                    assertThat(e).hasMessage(e.what() + "; " + e.remedy());
                });
    }

    @Test
    void aNullNumBitsIsRefused() {
        Map<String, Object> fields = new HashMap<>();
        fields.put("num_bits", null);
        assertThatThrownBy(() -> KvCacheScheme.parse(fields)).hasMessageContaining("got nothing");
    }

    /** Every valid combination of scheme fields, except for NVFP4, which has its own test. */
    static Stream<QuantizationScheme> schemes() {
        List<QuantizationScheme> schemes = new ArrayList<>();
        for (NumberFormat format : NumberFormat.values()) {
            for (Strategy strategy : STATIC) {
                for (Observer observer : OBSERVERS) {
                    boolean counts = !observer.needsHistograms() || strategy.isByHeads();
                    if (counts && (!observer.word().equals("entropy") || format.isInteger())) {
                        for (ScaleDtype dtype : ScaleDtype.values()) {
                            add(schemes, format, strategy, observer, dtype);
                        }
                    }
                }
            }
        }
        return schemes.stream();
    }

    private static final List<Strategy> STATIC =
            List.of(Strategy.TENSOR, Strategy.ATTN_HEAD, Strategy.CHANNEL, Strategy.GROUP);

    private static final List<Observer> OBSERVERS = Stream.concat(
                    Observers.all().stream(),
                    Stream.of(
                            new MovingAverage(0.25),
                            new MovingAverage(1),
                            new Mse(2),
                            new Mse(2.4, new ShrinkGrid(0.5, 50, 1.25)),
                            new Percentile(99.5)))
            .toList();

    private static void add(
            List<QuantizationScheme> schemes,
            NumberFormat format,
            Strategy strategy,
            Observer observer,
            ScaleDtype dtype) {
        int size = strategy == Strategy.GROUP ? 16 : 0;
        schemes.add(new QuantizationScheme(format, strategy, size, true, observer, dtype));
        if (format.supportsAsymmetric()) {
            schemes.add(new QuantizationScheme(format, strategy, size, false, observer, dtype));
        }
    }

    @ParameterizedTest
    @MethodSource("schemes")
    void canonicalFieldsReadBack(QuantizationScheme scheme) {
        assertThat(KvCacheScheme.parse(KvCacheScheme.fields(scheme))).isEqualTo(scheme);
        if (scheme.format() == NumberFormat.FP8_E5M2) {
            return;
        }
        Map<String, Object> theirs = new LinkedHashMap<>(KvCacheScheme.compressedTensorsFields(scheme));
        theirs.put("scale_dtype", scheme.scaleDtype().word());
        assertThat(KvCacheScheme.parse(theirs)).isEqualTo(scheme);
    }

    @Test
    void memorylessMseIsMseAndReportsKeysWithoutEffect() {
        List<String> reported = new ArrayList<>();
        QuantizationScheme scheme = KvCacheScheme.parse(
                Map.of("observer", "memoryless_mse", "observer_kwargs", Map.of("patience", 5, "norm", 3)),
                reported::add);
        assertThat(scheme.observer()).isEqualTo(new Mse(3));
        assertThat(reported).containsExactly("observer_kwargs.patience");
    }

    @Test
    void fieldsHaveTheOrderOfTheFiles() {
        QuantizationScheme scheme = QuantizationScheme.fp8();
        assertThat(KvCacheScheme.fields(scheme).toString())
                .isEqualTo("{num_bits=8, type=float, strategy=tensor, group_size=null, symmetric=true,"
                        + " observer=static_minmax, observer_kwargs={}, scale_dtype=float32}");
        assertThat(KvCacheScheme.compressedTensorsFields(scheme).toString())
                .isEqualTo("{num_bits=8, type=float, symmetric=true, group_size=null, strategy=tensor,"
                        + " block_structure=null, dynamic=false, actorder=null, observer=static_minmax,"
                        + " observer_kwargs={}}");
    }

    @Test
    void compressedTensorsCannotExpressE5m2() {
        assertThat(KvCacheScheme.parse(Map.of("type", "float", "format", "e5m2"))
                        .format())
                .isEqualTo(NumberFormat.FP8_E5M2);
        assertThat(KvCacheScheme.parse(Map.of("type", "float", "format", "E4M3"))
                        .format())
                .isEqualTo(NumberFormat.FP8_E4M3);
        assertThatThrownBy(() -> KvCacheScheme.compressedTensorsFields(
                        QuantizationScheme.of(NumberFormat.FP8_E5M2, Strategy.TENSOR)))
                .isInstanceOf(InvalidSchemeException.class);
    }

    @Test
    void theNearestWordHasTheSmallestEditDistanceIgnoringCase() {
        Vocabulary words = Vocabulary.of("num_bits", "type", "strategy");
        assertThat(words.nearest("NumBits")).isEqualTo("num_bits");
        assertThat(words.nearest("stratgey")).isEqualTo("strategy");
        assertThat(words.nearest("x".repeat(1_000_000))).isNotEmpty();
    }

    /** A hint at a word that has nothing to do with the unknown one would mislead. */
    @Test
    void onlyANearWordIsAHint() {
        Vocabulary words = Vocabulary.of("kv_heads", "seed", "max_seq_length", "strategy");
        assertThat(words.remedy("heads")).startsWith("the nearest known one is 'kv_heads'; known here: ");
        assertThat(words.remedy("max_length")).contains("the nearest known one is 'max_seq_length'");
        for (String other : new String[] {"seq", "temperature", "model", "", "x".repeat(1_000_000)}) {
            assertThat(words.remedy(other)).isEqualTo("known here: kv_heads, seed, max_seq_length, strategy");
        }
    }
}
