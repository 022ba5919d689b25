package io.kvscale.scheme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.search.StaticMinMax;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Schemes as short names, YAML and JSON. */
class SchemeTextTest {
    @ParameterizedTest
    @CsvSource({
        "fp8, FP8_E4M3, TENSOR, 0",
        "FP8_E4M3, FP8_E4M3, TENSOR, 0",
        "fp8_e5m2:attn_head, FP8_E5M2, ATTN_HEAD, 0",
        "int8:channel, INT8, CHANNEL, 0",
        "Int4:Group:32, INT4, GROUP, 32",
        "fp4, FP4_E2M1, TENSOR, 0",
        "fp4_e2m1:tensor, FP4_E2M1, TENSOR, 0",
    })
    void aShortNameIsASymmetricSchemeWithAllDefaults(
            String name, NumberFormat format, Strategy strategy, int groupSize) {
        assertThat(SchemeText.parse(" " + name + "\n"))
                .isEqualTo(new QuantizationScheme(
                        format, strategy, groupSize, true, new StaticMinMax(), ScaleDtype.FLOAT32));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "num_bits: 4\ntype: int\nstrategy: group\ngroup_size: 16\n",
                "{num_bits: 4, type: int, group_size: 16}",
                "{\"num_bits\":4,\"type\":\"int\",\"strategy\":\"group\",\"group_size\":16}",
                "kv_cache_scheme: {num_bits: 4, type: int, group_size: 16}",
                "{\"kv_cache_scheme\": {\"num_bits\": 4, \"group_size\": 16}}",
                "int4:group:16",
            })
    void allNotationsOfASchemeAreEqual(String text) {
        assertThat(SchemeText.parse(text))
                .isEqualTo(KvCacheScheme.parse(Map.of("num_bits", 4, "type", "int", "group_size", 16)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "fp9|unknown format 'fp9'; the nearest known one is 'fp8'",
                "int8:tenser|'tensor'",
                "int4::16|strategy must be one of",
                "int8:channel:4|group_size goes with strategy group only",
                "int4:group:0|at least 1",
                "int4:group:4:4|4 parts",
                "[1]|must be a mapping, got a list",
                "{num_bits: 8|neither YAML nor JSON",
                "a: !!javax.script.ScriptEngineManager []|neither YAML nor JSON",
                "quant_stage: {}|unknown key 'quant_stage'",
                "{1: 2}|unknown key 1",
            })
    void anInvalidTextIsExplained(String text, String part) {
        assertThatThrownBy(() -> SchemeText.parse(text))
                .isInstanceOf(InvalidSchemeException.class)
                .hasMessageContaining(part);
    }

    @Test
    void anEmptyTextIsRefused() {
        assertThatThrownBy(() -> SchemeText.parse("  "))
                .isInstanceOf(InvalidSchemeException.class)
                .hasMessageContaining("got nothing");
    }
}
