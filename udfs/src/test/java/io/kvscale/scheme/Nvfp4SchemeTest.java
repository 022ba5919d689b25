package io.kvscale.scheme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.search.LastBatch;
import io.kvscale.quant.search.MovingAverage;
import io.kvscale.quant.search.Percentile;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** NVFP4 in schemes and scale tables. */
class Nvfp4SchemeTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "nvfp4",
                "NVFP4",
                "nvfp4:absmax_448",
                "fp4:tensor_group",
                "fp4:Tensor_Group:16",
                "{num_bits: 4, type: float, strategy: tensor_group}",
                "{num_bits: 4, type: float, strategy: tensor_group, group_size: 16, symmetric: true, dynamic: false}",
                "{num_bits: 4, type: float, strategy: tensor_group, group_size: 16, dynamic: local}",
                "{num_bits: 4, type: float, strategy: tensor_group, global_scale: Absmax_448, scale_dtype: float32}",
            })
    void absmaxBy448IsTheDefault(String text) {
        assertThat(SchemeText.parse(text)).isEqualTo(QuantizationScheme.nvfp4(GlobalScale.ABSMAX_448));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "nvfp4:multiplier | MULTIPLIER",
                "Nvfp4:Multiplier | MULTIPLIER",
                "nvfp4:divisor | DIVISOR",
                "{num_bits: 4, type: float, strategy: tensor_group, global_scale: multiplier} | MULTIPLIER",
                "{num_bits: 4, type: float, strategy: tensor_group, global_scale: Divisor} | DIVISOR",
            })
    void theOtherConventionsAreExplicit(String text, GlobalScale convention) {
        assertThat(SchemeText.parse(text)).isEqualTo(QuantizationScheme.nvfp4(convention));
    }

    @Test
    void aTensorGroupWithoutAGroupSizeIsNvfp4() {
        assertThat(QuantizationScheme.of(NumberFormat.FP4_E2M1, Strategy.TENSOR_GROUP))
                .isEqualTo(QuantizationScheme.nvfp4(GlobalScale.ABSMAX_448));
        assertThat(QuantizationScheme.nvfp4(GlobalScale.ABSMAX_448).groupSize()).isEqualTo(16);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "num_bits: 8, type: float, strategy: tensor_group | strategy | is NVFP4 | num_bits: 4, type: float",
                "num_bits: 4, type: int, strategy: tensor_group | strategy | not int4 | type: float",
                "num_bits: 4, type: float, strategy: tensor_group, group_size: 32 | group_size | not of 32 | group_size: 16",
                "num_bits: 4, type: float, strategy: tensor_group, group_size: -1 | group_size | channel | remove",
                "num_bits: 4, type: float, strategy: tensor_group, symmetric: false | symmetric | no asymmetric | true",
                "num_bits: 4, type: float, strategy: tensor_group, observer: mse | observer | local scales | percentile",
                "num_bits: 4, type: float, strategy: tensor_group, observer: entropy | observer | local | static_minmax",
                "num_bits: 4, type: float, strategy: tensor_group, scale_dtype: input | scale_dtype | float32 | remove",
                "num_bits: 4, type: float, strategy: tensor_group, dynamic: true | dynamic | nothing to calibrate | false",
                "num_bits: 4, type: float, strategy: tensor_group, global_scale: both | global_scale | 'both' | write one of these words",
                "num_bits: 4, type: float, strategy: tensor_group, global_scale: 1 | global_scale | got 1 | write one of these words",
                "num_bits: 4, type: float, dynamic: local | dynamic | except with strategy tensor_group | dynamic: false",
                "strategy: group, group_size: 16, dynamic: local | dynamic | tensor_group | dynamic: false",
                "strategy: tensor, global_scale: divisor | global_scale | tensor_group (NVFP4) only | remove it",
                "strategy: group, group_size: 16, global_scale: divisor | global_scale | not with group | remove it",
            })
    void aVariantOfNvfp4IsRefused(String fields, String key, String what, String remedy) {
        assertThatThrownBy(() -> SchemeText.parse("{" + fields + "}"))
                .isInstanceOfSatisfying(InvalidSchemeException.class, e -> {
                    assertThat(e.key()).isEqualTo(key);
                    assertThat(e.what()).contains(what);
                    assertThat(e.remedy()).contains(remedy);
                });
    }

    @ParameterizedTest
    @CsvSource({
        "nvfp4:both, 'nvfp4:both'",
        "nvfp4:, convention or nothing",
        "nvfp4:tensor, convention or nothing",
        "nvfp4:multiplier:16, convention or nothing",
        "nvfp3, nearest known one is 'nvfp4'"
    })
    void anUnknownShortNameIsRefused(String name, String part) {
        assertThatThrownBy(() -> SchemeText.parse(name))
                .isInstanceOf(InvalidSchemeException.class)
                .hasMessageContaining(part);
    }

    @Test
    void nvfp4IsNoFormatWithOneScale() {
        assertThat(SchemeText.ofOneScale("nvfp4:multiplier"))
                .isEqualTo(QuantizationScheme.nvfp4(GlobalScale.MULTIPLIER));
        assertThat(SchemeText.ofOneScale("int8")).isEqualTo(QuantizationScheme.of(NumberFormat.INT8, Strategy.TENSOR));
        for (String name : new String[] {"nvfp4", "NVFP4:Divisor", "nvfp4:multiplier"}) {
            assertThatThrownBy(() -> SchemeText.format(name))
                    .isInstanceOf(InvalidSchemeException.class)
                    .hasMessageContaining("local scales beside its codes");
        }
    }

    @ParameterizedTest
    @EnumSource(GlobalScale.class)
    void fieldsReadBack(GlobalScale convention) {
        for (Observer observer :
                new Observer[] {new StaticMinMax(), new MovingAverage(), new LastBatch(), new Percentile(99)}) {
            QuantizationScheme scheme = new QuantizationScheme(
                    NumberFormat.FP4_E2M1, Strategy.TENSOR_GROUP, 0, true, observer, ScaleDtype.FLOAT32, convention);
            assertThat(KvCacheScheme.parse(KvCacheScheme.fields(scheme))).isEqualTo(scheme);
        }
        assertThat(KvCacheScheme.fields(QuantizationScheme.nvfp4(convention)))
                .hasToString("{num_bits=4, type=float, strategy=tensor_group, group_size=16, global_scale="
                        + convention.word() + ", symmetric=true, observer=static_minmax, observer_kwargs={},"
                        + " scale_dtype=float32}");
    }

    @Test
    void compressedTensorsSupportsTheDivisorOnly() {
        Map<String, ?> theirs = KvCacheScheme.compressedTensorsFields(QuantizationScheme.nvfp4(GlobalScale.DIVISOR));
        assertThat(theirs.get("dynamic")).isEqualTo("local");
        assertThat(theirs).doesNotContainKey("global_scale");
        for (GlobalScale multiplies : new GlobalScale[] {GlobalScale.MULTIPLIER, GlobalScale.ABSMAX_448}) {
            assertThatThrownBy(() -> KvCacheScheme.compressedTensorsFields(QuantizationScheme.nvfp4(multiplies)))
                    .isInstanceOf(InvalidSchemeException.class)
                    .hasMessageContaining("global_scale: divisor");
        }
    }

    @Test
    void aTableNamesTheConventionAndReadsBack() {
        ScaleTable table = table(GlobalScale.DIVISOR, GlobalScale.MULTIPLIER);
        byte[] json = table.toJson();
        String text = new String(json, StandardCharsets.UTF_8);
        assertThat(text)
                .containsOnlyOnce("\"strategy\" : \"tensor_group\",\n    \"group_size\" : 16,\n"
                        + "    \"global_scale\" : \"divisor\"")
                .containsOnlyOnce("\"global_scale\" : \"multiplier\"")
                .contains("\"shape\" : [ 1 ]", "\"scale\" : [ 384.0 ]");
        ScaleTable read = ScaleTable.fromJson(json);
        assertThat(read.toJson()).isEqualTo(json);
        assertThat(read.scheme()).isEqualTo(QuantizationScheme.nvfp4(GlobalScale.DIVISOR));
        assertThat(read.slots().get(new Slot(3, Role.VALUE)).scheme())
                .isEqualTo(QuantizationScheme.nvfp4(GlobalScale.MULTIPLIER));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"global_scale\" : \"divisor\",|  | does not say its global_scale",
                "\"global_scale\" : \"divisor\" | \"global_scale\" : null | does not say its global_scale",
                "\"global_scale\" : \"divisor\" | \"global_scale\" : \"reciprocal\" | must be one of absmax_448, multiplier, divisor",
                "\"group_size\" : 16 | \"group_size\" : 32 | in groups of 16",
                "\"head_dim\" : 32 | \"head_dim\" : 24 | does not divide 24",
                "\"scale\" : [ 384.0 ] | \"scale\" : [ 0 ] | expected a finite number above 0",
                "\"scale\" : [ 384.0 ] | \"scale\" : [ 384.0, 1.0 ] | holds 2 numbers, expected 1",
                "\"zero_point\" : [ 0 ] | \"zero_point\" : [ 1 ] | zero point",
            })
    void anInvalidTableIsRefused(String from, String to, String expected) {
        String json = new String(table(GlobalScale.DIVISOR, GlobalScale.DIVISOR).toJson(), StandardCharsets.UTF_8);
        assertThat(json).contains(from);
        String bad = json.replace(from, to == null ? "" : to);
        assertThatThrownBy(() -> ScaleTable.fromJson(bad.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining(expected);
    }

    private static ScaleTable table(GlobalScale key, GlobalScale value) {
        TreeMap<Slot, SlotScales> slots = new TreeMap<>();
        slots.put(new Slot(3, Role.KEY), slot(key, 384f));
        slots.put(new Slot(3, Role.VALUE), slot(value, 7f / 2688f));
        return new ScaleTable(QuantizationScheme.nvfp4(key), new ScaleTable.CorpusSummary("00", 1, 1, 1, 128), slots);
    }

    private static SlotScales slot(GlobalScale convention, float scale) {
        return new SlotScales(
                QuantizationScheme.nvfp4(convention),
                new Geometry(Dtype.BF16, 2, 32),
                new float[] {scale},
                new float[] {0},
                new float[] {-7},
                new float[] {3},
                -7,
                3,
                64,
                0,
                0,
                "a",
                "b",
                null);
    }
}
