package io.kvscale.scheme.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.search.MovingAverage;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScaleTableTest {
    private static final QuantizationScheme CHANNEL = new QuantizationScheme(
            NumberFormat.INT8, Strategy.CHANNEL, 0, false, new MovingAverage(0.02), ScaleDtype.INPUT);
    private static final QuantizationScheme FP8 = QuantizationScheme.fp8();
    private static final String HASH = "911cb0998469778ffcd760beb1fa0f02e2516933458903f2a156285f3604a6fc";
    private static final String MIXED_HASH = "7fe129d08b338728e266015558b541277b617b8adc8c320258f085a60d6617f7";

    @Test
    void everyNumberIsRestoredBitByBit() {
        Random random = new Random(1);
        for (int i = 0; i < 200; i++) {
            ScaleTable table = table(random);
            byte[] json = table.toJson();
            ScaleTable read = ScaleTable.fromJson(json);
            assertThat(read.toJson()).isEqualTo(json);
            SlotScales written = slot(table);
            SlotScales back = slot(read);
            assertThat(bits(back.scale())).isEqualTo(bits(written.scale()));
            assertThat(bits(back.zeroPoint())).isEqualTo(bits(written.zeroPoint()));
            assertThat(bits(back.rangeMin())).isEqualTo(bits(written.rangeMin()));
            assertThat(bits(back.rangeMax())).isEqualTo(bits(written.rangeMax()));
            assertThat(bits(back.min(), back.max())).isEqualTo(bits(written.min(), written.max()));
            assertThat(read.corpus()).isEqualTo(table.corpus());
            assertThat(read.scheme()).isEqualTo(table.scheme());
            assertThat(back.scheme()).isEqualTo(written.scheme());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0x00000001, 1.4E-45",
        "0x007fffff, 1.1754942E-38",
        "0x7f7fffff, 3.4028235E38",
        "0x3f800001, 1.0000001",
        "0x15ae43fd, 7.038531E-26",
        "0x3c008081, 0.007843138"
    })
    void decimalsAreShortAndReadBack(String bits, String decimal) {
        float scale = Float.intBitsToFloat(Integer.decode(bits));
        ScaleTable table = table(scale);
        assertThat(text(table)).contains("\"scale\" : [ " + decimal + " ]");
        SlotScales read = slot(ScaleTable.fromJson(table.toJson()));
        assertThat(bits(read.scale()[0], read.rangeMax()[0], read.max())).isEqualTo(bits(scale, scale, scale));
    }

    @Test
    void aTableWithAnotherLayoutIsRead() {
        String json = text(table(0.5f));
        ScaleTable edited = ScaleTable.fromJson(json.replaceAll("\\s+", "")
                .replace(",", " ,\r\n\t")
                .replace("[0.5]", "[ 5e-1 ]")
                .getBytes(StandardCharsets.UTF_8));
        assertThat(edited.toJson()).isEqualTo(json.getBytes(StandardCharsets.UTF_8));
        String more = json.replace("\"version\"", "\"comment\": [1, {}], \"version\"");
        assertThat(text(ScaleTable.fromJson(more.getBytes(StandardCharsets.UTF_8))))
                .isEqualTo(json);
        String whole = json.replace("[ 0.5 ]", "[ 2 ]");
        assertThat(slot(ScaleTable.fromJson(whole.getBytes(StandardCharsets.UTF_8)))
                        .scale())
                .containsExactly(2f);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"scale\" : [ 0.5 ] | \"scale\" : [ 0 ] | expected a finite number above 0",
                "\"scale\" : [ 0.5 ] | \"scale\" : [ -0.5 ] | expected a finite number above 0",
                "\"scale\" : [ 0.5 ] | \"scale\" : [ 1e999 ] | expected a finite number above 0",
                "\"scale\" : [ 0.5 ] | \"scale\" : [ 1e39 ] | expected a finite number above 0",
                "\"scale\" : [ 0.5 ] | \"scale\" : [ 1e-60 ] | expected a finite number above 0",
                "\"scale\" : [ 0.5 ] | \"scale\" : [ NaN ] | not JSON",
                "\"scale\" : [ 0.5 ] | \"scale\" : [ \"NaN\" ] | layer 3 key: 'scale' holds",
                "\"scale\" : [ 0.5 ] | \"scale\" : [ null ] | layer 3 key: 'scale' holds",
                "\"scale\" : [ 0.5 ] | \"scale\" : [ ] | holds 0 numbers, expected 1",
                "\"scale\" : [ 0.5 ] | \"scale\" : [ 0.5, 0.5 ] | holds 2 numbers, expected 1",
                "\"scale\" : [ 0.5 ] | \"scale\" : 0.5 | holds 0 numbers",
                "\"scale\" : [ 0.5 ] | \"scales\" : [ 0.5 ] | unknown field 'scales'",
                "\"scale\" : [ 0.5 ] | \"scale\" : [ 0.5 ], \"scale\" : [ 0.5 ] | duplicate name",
                "\"zero_point\" : [ 0 ] | \"zero_point\" : [ 3 ] | zero point",
                "\"zero_point\" : [ 0 ] | \"zero_point\" : [ 1e40 ] | zero point",
                "\"layer\" : 3 | \"layer\" : 10000 | not within 0..9999",
                "\"layer\" : 3 | \"layer\" : -1 | not within 0..9999",
                "\"layer\" : 3 | \"layer\" : 1.5 | expected a whole number",
                "\"layer\" : 3 | \"layer\" : \"3\" | expected a whole number",
                "\"heads\" : 2 | \"heads\" : 0 | is not within",
                "\"heads\" : 2 | \"heads\" : 1048577 | is not within",
                "\"heads\" : 2 | \"heads\" : 99999999999 | expected a whole number",
                "\"dtype\" : \"BF16\" | \"dtype\" : \"I8\" | layer 3 key: 'dtype' is \"I8\"",
                "\"kvscale-scales\" | \"kvscale-scale\" | not a kvscale scale table",
                "\"version\" : 1 | \"version\" : 2 | version 2, this kvscale reads 1",
                "\"version\" : 1 | \"version\" : 1.5 | version 1.5, this kvscale reads 1",
                "\"version\" : 1 | \"version\" : \"1\" | version \"1\", this kvscale reads 1",
                "\"version\" : 1 | \"version\" : 4294967297 | version 4294967297",
                "\"min\" : -0.0 | \"min\" : 0.75 | layer 3 key: 'min' 0.75 is above 'max' 0.5",
                "\"min\" : -0.0 | \"min\" : \"NaN\" | layer 3 key: 'min' is \"NaN\", expected a finite number",
                "\"max\" : 0.5 | \"max\" : 1e39 | layer 3 key: 'max' is 1.0E39",
                "\"max\" : 0.5 | \"max\" : null | layer 3 key: 'max' is null",
                "[ -0.0, 0.5 ] | [ 0.5, -0.5 ] | layer 3 key: 'range' is [0.5,-0.5]",
                "[ -0.0, 0.5 ] | [ 0.5 ] | layer 3 key: 'range' is [0.5], expected [min, max]",
                "[ -0.0, 0.5 ] | [ 0, \"NaN\" ] | layer 3 key: 'range' is \"NaN\"",
                "[ [ -0.0, 0.5 ] ] | [ ] | layer 3 key: 'range' holds 0 ranges, expected 1",
                "\"shape\" : [ 1 ] | \"shape\" : [ 2, 1, 1 ] | layer 3 key: 'shape' is [2,1,1], expected [1]",
                "\"shape\" : [ 1 ] | \"shape\" : 1 | layer 3 key: 'shape' is 1, expected [1]",
                "\"count\" : 8 | \"count\" : -8 | layer 3 key: 'count' is -8, expected a whole number from 0",
                "\"count\" : 8 | \"count\" : 8.5 | layer 3 key: 'count' is 8.5",
                "\"count\" : 8 | \"count\" : 9223372036854775808 | layer 3 key: 'count' is 9223372036854775808",
                "\"nan\" : 0 | \"nan\" : \"0\" | layer 3 key: 'nan' is \"0\"",
                "\"inf\" : 0 | \"inf\" : null | layer 3 key: 'inf' is null",
                "\"files\" : 1 | \"files\" : -1 | corpus: 'files' is -1",
                "\"min_sample\" : \"s#1\" | \"min_sample\" : 1 | layer 3 key: 'min_sample' is 1, expected text",
                "\"fingerprint\" : \"0 | \"fingerprint\" : \"X0 | corpus: 'fingerprint' is",
                "\"strategy\" : \"tensor\" | \"strategy\" : \"tenser\" | scheme.strategy",
                "\"num_bits\" : 8 | \"num_bits\" : 7 | num_bits",
                "\"scheme\" : | \"schema\" : | a scheme is missing",
                "\"layers\" : | \"layer\" : | 'layers' is missing",
                "\"value\" : | \"key\" : {}, \"value\" : | duplicate name"
            })
    void anInvalidTableIsRefused(String from, String to, String expected) {
        String json = text(table(0.5f));
        assertThat(json).contains(from);
        String bad = json.replaceFirst(java.util.regex.Pattern.quote(from), to);
        assertThatThrownBy(() -> ScaleTable.fromJson(bad.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining(expected)
                .hasMessageContaining("derive the scales again");
    }

    @ParameterizedTest
    @CsvSource({"1e38", "3e-38", "10", "0.02"})
    void aScaleFarFromItsRangeIsWarnedOf(String scale) {
        String json = text(table(0.5f))
                .replaceFirst("\"scales_sha256\".*\n", "")
                .replace("[ -0.0, 0.5 ]", "[ -0.0, 224 ]")
                .replace("\"max\" : 0.5", "\"max\" : 224");
        assertThat(ScaleTable.fromJson(json.getBytes(StandardCharsets.UTF_8)).warnings())
                .isEmpty();
        String edited = json.replace("\"scale\" : [ 0.5 ]", "\"scale\" : [ " + scale + " ]");
        assertThat(ScaleTable.fromJson(edited.getBytes(StandardCharsets.UTF_8)).warnings())
                .singleElement()
                .asString()
                .contains("layer 3 key", "range -0.0 to 224.0", "1 other slots");
        String bare = edited.replaceAll("(?s)\"range\" : \\[ \\[[^]]*\\] \\],", "");
        assertThat(ScaleTable.fromJson(bare.getBytes(StandardCharsets.UTF_8)).warnings())
                .hasSize(1);
    }

    @Test
    void aDuplicateLayerIsRefused() {
        String json = text(table(0.5f));
        int begin = json.indexOf("[ {", json.indexOf("\"layers\"")) + 2;
        int end = json.lastIndexOf('}', json.lastIndexOf(']')) + 1;
        String layer = json.substring(begin, end);
        String twice = json.substring(0, end) + "," + layer + json.substring(end);
        assertThatThrownBy(() -> ScaleTable.fromJson(twice.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("is there twice");
    }

    @Test
    void otherJsonIsRefused() {
        for (String text : List.of("", "null", "[]", "1", "{}", "\ufeff", "{", "\u0000", "[".repeat(100_000), "{}{}")) {
            assertThatThrownBy(() -> ScaleTable.fromJson(text.getBytes(StandardCharsets.UTF_8)))
                    .isInstanceOf(InvalidDataException.class);
        }
    }

    @Test
    void randomEditsAreRefusedOrReadAsATableThatRoundTrips() {
        Random random = new Random(77);
        byte[] seed = table(random).toJson();
        String[] tokens = {
            "0", "-1", "1e999", "null", "{}", "[]", "\"\"", "NaN", "1e-999", "true", ",", "}", "]", "9".repeat(400)
        };
        int read = 0;
        for (int i = 0; i < 6_000; i++) {
            byte[] bytes = seed.clone();
            int at = random.nextInt(bytes.length);
            if (random.nextBoolean()) {
                bytes[at] = (byte)
                        (random.nextBoolean()
                                ? random.nextInt(256)
                                : "0123456789-.e\"{}[],:".charAt(random.nextInt(20)));
            } else {
                String token = tokens[random.nextInt(tokens.length)];
                String text = new String(bytes, StandardCharsets.UTF_8);
                bytes = (text.substring(0, at)
                                + token
                                + text.substring(at + random.nextInt(Math.min(12, bytes.length - at))))
                        .getBytes(StandardCharsets.UTF_8);
            }
            try {
                ScaleTable table = ScaleTable.fromJson(bytes);
                read++;
                byte[] json = table.toJson();
                assertThat(ScaleTable.fromJson(json).toJson()).isEqualTo(json);
                table.slots().values().forEach(slot -> {
                    for (float scale : slot.scale()) {
                        assertThat(scale).isPositive().isFinite();
                    }
                });
            } catch (InvalidDataException e) {
                assertThat(e.problem().what()).isNotBlank();
            }
        }
        assertThat(read).isPositive();
    }

    /** The hashes were computed by the Python function of job/docs/outputs.md. */
    @Test
    void theHashOfScalesIsThatOfTheDocs() {
        assertThat(table(0.5f).sha256()).isEqualTo(HASH);
        Geometry geometry = new Geometry(Dtype.F32, 1, 2);
        float[] no = {Float.NaN, Float.NaN};
        SlotScales channels = new SlotScales(
                CHANNEL,
                geometry,
                new float[] {0.1f, 2},
                new float[] {-3, 127},
                no,
                no,
                0,
                1,
                8,
                0,
                0,
                null,
                null,
                null);
        ScaleTable mixed = new ScaleTable(
                FP8,
                new ScaleTable.CorpusSummary("", 0, 0, 0, 0),
                new TreeMap<>(Map.of(new Slot(10, Role.VALUE), slot(table(0.5f)), new Slot(9, Role.KEY), channels)));
        assertThat(mixed.sha256()).isEqualTo(MIXED_HASH);
    }

    @Test
    void theHashCoversSchemeSlotsAndScalesButNotTheCorpus() {
        String json = text(table(0.5f));
        for (String other : List.of(
                json.replace("\"tokens\" : 3", "\"tokens\" : 4"),
                json.replace("0".repeat(64), "1".repeat(64)),
                json.replace("s#1", "s#2"),
                json.replace("\"max\" : 0.5", "\"max\" : 0.25"),
                json.replace("[ -0.0, 0.5 ]", "[ -0.5, 0.5 ]"),
                json.replace("BF16", "F16"),
                json.replace("\"scale_dtype\" : \"float32\"", "\"scale_dtype\" : \"input\""),
                json.replace("static_minmax", "mse"))) {
            assertThat(read(other).sha256()).isEqualTo(HASH);
            assertThat(other).isNotEqualTo(json);
            assertThat(String.join("", read(other).warnings())).doesNotContain("scales_sha256");
        }
        for (String other : List.of(
                json.replace("\"layer\" : 3", "\"layer\" : 4"),
                json.replaceFirst("0.5 ],\n", "0.50001 ],\n"),
                json.replace("\"head_dim\" : 4", "\"head_dim\" : 8"),
                json.replace("\"type\" : \"float\"", "\"type\" : \"int\""),
                json.replace("\"symmetric\" : true", "\"symmetric\" : false"))) {
            assertThat(other).isNotEqualTo(json);
            assertThat(read(other).sha256()).isNotEqualTo(HASH);
            assertThat(String.join("", read(other).warnings()))
                    .contains(
                            "scales_sha256 is not that of the scales",
                            read(other).sha256());
            assertThat(text(read(other))).contains(read(other).sha256()).doesNotContain(HASH);
        }
    }

    @Test
    void aTableWithoutHashesIsRead() {
        String json = text(table(0.5f));
        String without = json.replaceFirst("\"scales_sha256\".*\n", "");
        assertThat(String.join("", read(without).warnings())).doesNotContain("scales_sha256");
        assertThat(text(read(without))).isEqualTo(json);
        assertThatThrownBy(() -> read(json.replace('"' + HASH + '"', "1")))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("'scales_sha256' is 1, expected text");
    }

    @Test
    void modelAndStatisticsAreKept() {
        ScaleTable table = table(0.5f).from("LlamaForCausalLM", "ab".repeat(32));
        ScaleTable read = read(text(table));
        assertThat(text(read)).isEqualTo(text(table));
        assertThat(read.provenance().model()).isEqualTo("LlamaForCausalLM");
        assertThat(read.provenance().statisticsSha256()).isEqualTo("ab".repeat(32));
        assertThat(read.sha256()).isEqualTo(HASH);
    }

    private static ScaleTable read(String json) {
        return ScaleTable.fromJson(json.getBytes(StandardCharsets.UTF_8));
    }

    private static ScaleTable table(float scale) {
        Geometry geometry = new Geometry(Dtype.BF16, 2, 4);
        float[] one = {scale};
        SlotScales slot = new SlotScales(
                FP8, geometry, one, new float[1], new float[] {-0f}, one, -0f, scale, 8, 0, 0, "s#1", null, null);
        return new ScaleTable(
                FP8,
                new ScaleTable.CorpusSummary("0".repeat(64), 1, 2, 3, 4),
                new TreeMap<>(Map.of(new Slot(3, Role.KEY), slot, new Slot(3, Role.VALUE), slot)));
    }

    /** The identity is that of cached blocks, which do not depend on how queries are quantized. */
    @Test
    void queriesAreReadAndDoNotChangeTheIdentity() {
        ScaleTable cached = table(0.5f);
        SortedMap<Slot, SlotScales> slots = new TreeMap<>(cached.slots());
        slots.put(new Slot(3, Role.QUERY), slot(table(0.25f)));
        ScaleTable table = new ScaleTable(cached.scheme(), cached.corpus(), slots);
        ScaleTable read = ScaleTable.fromJson(table.toJson());
        assertThat(read.slots().keySet())
                .containsExactly(new Slot(3, Role.KEY), new Slot(3, Role.VALUE), new Slot(3, Role.QUERY));
        assertThat(read.toJson()).isEqualTo(table.toJson());
        assertThat(read.sha256()).isEqualTo(cached.sha256());
        assertThat(read.cached().toJson()).isEqualTo(cached.toJson());
        assertThat(cached.cached()).isSameAs(cached);
        String edited = new String(table.toJson(), StandardCharsets.UTF_8).replace("\"query\"", "\"queries\"");
        assertThatThrownBy(() -> ScaleTable.fromJson(edited.getBytes(StandardCharsets.UTF_8)))
                .hasMessageContaining("unknown field 'queries', expected some of [key, layer, query, value]");
    }

    private static ScaleTable table(Random random) {
        Geometry geometry = new Geometry(Dtype.BF16, 1 + random.nextInt(3), 1 + random.nextInt(8));
        int n = geometry.channels();
        float[] zeroPoints = new float[n];
        for (int i = 0; i < n; i++) {
            zeroPoints[i] = random.nextInt(256) - 128;
        }
        float[] rangeMin = floats(random, n, false);
        float[] rangeMax = floats(random, n, false);
        for (int i = 0; i < n; i++) {
            float least = Math.min(rangeMin[i], rangeMax[i]);
            rangeMax[i] = Math.max(rangeMin[i], rangeMax[i]);
            rangeMin[i] = least;
        }
        SlotScales slot = new SlotScales(
                CHANNEL,
                geometry,
                floats(random, n, true),
                zeroPoints,
                rangeMin,
                rangeMax,
                rangeMin[0],
                rangeMax[0],
                random.nextLong() >>> 1,
                random.nextInt(9),
                random.nextInt(9),
                "\u00fc\ud83d\ude00\"\\\n#2",
                null,
                new SlotScales.ErrorSummary(
                        random.nextDouble(),
                        random.nextInt(4) == 0 ? Double.POSITIVE_INFINITY : 99 * random.nextDouble(),
                        random.nextInt(9),
                        random.nextBoolean()));
        return new ScaleTable(
                FP8,
                new ScaleTable.CorpusSummary("0".repeat(64), 1, 2, 3, random.nextLong() >>> 1),
                new TreeMap<>(Map.of(new Slot(random.nextInt(10_000), Role.KEY), slot)));
    }

    /** Random bit patterns, one in four subnormal. */
    private static float[] floats(Random random, int count, boolean positive) {
        float[] floats = new float[count];
        for (int i = 0; i < count; ) {
            int bits = random.nextInt() & (random.nextInt(4) == 0 ? 0x807fffff : -1) & (positive ? 0x7fffffff : -1);
            float x = Float.intBitsToFloat(bits);
            if (Float.isFinite(x) && !(positive && x == 0)) {
                floats[i++] = x;
            }
        }
        return floats;
    }

    private static SlotScales slot(ScaleTable table) {
        return table.slots().values().iterator().next();
    }

    private static int[] bits(float... floats) {
        int[] bits = new int[floats.length];
        Arrays.setAll(bits, i -> Float.floatToRawIntBits(floats[i]));
        return bits;
    }

    private static String text(ScaleTable table) {
        return new String(table.toJson(), StandardCharsets.UTF_8);
    }
}
