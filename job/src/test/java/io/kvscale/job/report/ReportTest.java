package io.kvscale.job.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.ScaleFit;
import io.kvscale.quant.ScaleSolver;
import io.kvscale.quant.SlotError;
import io.kvscale.quant.Tolerances;
import io.kvscale.quant.search.Mse;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReportTest {
    private static final int LIMIT = 2_000_000;

    @ParameterizedTest
    @CsvSource({"8, 128, 16", "128, 128, 2", "1, 576, 64"})
    void aHundredLayersTakeLessThanTwoMegabytes(int heads, int headDim, int tokens) {
        Geometry geometry = new Geometry(Dtype.BF16, heads, headDim);
        String page =
                page(model(geometry, StatisticsKind.HISTOGRAM, 100, tokens, "名".repeat(200)), QuantizationScheme.fp8());
        assertThat(page.getBytes(StandardCharsets.UTF_8).length).isLessThan(LIMIT);
        assertThat(data(page).get("slots")).hasSize(200);
    }

    @Test
    void theErrorsEqualThoseOfTheStatistics() {
        CalibrationStatistics model = model(new Geometry(Dtype.BF16, 2, 16), StatisticsKind.HISTOGRAM, 3, 50, "s");
        QuantizationScheme own = QuantizationScheme.of(NumberFormat.INT8, Strategy.ATTN_HEAD);
        JsonNode data = data(page(model, own));
        assertThat(data.get("candidates")).hasSize(SchemeErrors.SCHEMES.size());
        for (JsonNode slot : data.get("slots")) {
            Role role = slot.get("role").asText().equals("key") ? Role.KEY : Role.VALUE;
            SlotStatistics seen = Objects.requireNonNull(
                    model.slots().get(new Slot(slot.get("layer").asInt(), role)));
            equal(slot.get("own"), Objects.requireNonNull(SlotError.of(seen, own)));
            for (int i = 0; i < SchemeErrors.SCHEMES.size(); i++) {
                equal(
                        slot.get("errors").get(i),
                        Objects.requireNonNull(SlotError.of(seen, SchemeErrors.SCHEMES.get(i))));
            }
            assertThat(slot.get("approximate").asBoolean()).isFalse();
        }
    }

    private static void equal(JsonNode shown, SlotError error) {
        assertThat(shown.get(0).asDouble()).isEqualTo(error.sqnrDb());
        assertThat(shown.get(1).asDouble()).isEqualTo(error.mse());
        assertThat(shown.get(2).asLong()).isEqualTo(error.saturated());
        assertThat(shown.get(3).asInt()).isEqualTo(error.codesUsed());
    }

    @Test
    void errorsOfRoundedValuesAreMarkedApproximate() {
        CalibrationStatistics model = model(new Geometry(Dtype.F32, 2, 16), StatisticsKind.HISTOGRAM, 1, 50, "s");
        assertThat(data(page(model, QuantizationScheme.fp8())).findValues("approximate"))
                .hasSize(2)
                .allMatch(JsonNode::asBoolean);
    }

    @Test
    void rangesAndScalesByChannelHaveNoOwnErrors() {
        Geometry geometry = new Geometry(Dtype.BF16, 2, 16);
        JsonNode ranges = data(page(model(geometry, StatisticsKind.RANGE, 2, 9, "s"), QuantizationScheme.fp8()));
        JsonNode slot = ranges.get("slots").get(0);
        assertThat(slot.has("errors") || slot.has("own") || slot.has("bins")).isFalse();
        assertThat(slot.has("map")).isTrue();
        JsonNode channels = data(page(
                model(geometry, StatisticsKind.HISTOGRAM, 2, 9, "s"),
                QuantizationScheme.of(NumberFormat.INT8, Strategy.CHANNEL)));
        assertThat(channels.get("slots").get(0).has("own")).isFalse();
        assertThat(channels.get("slots").get(0).get("errors")).hasSize(SchemeErrors.SCHEMES.size());
    }

    @Test
    void theFitOfScaleOneIsShownBesideTheRecipesFp8OrStaticMinMax() {
        Geometry geometry = new Geometry(Dtype.BF16, 2, 16);
        CalibrationStatistics model = model(geometry, StatisticsKind.HISTOGRAM, 2, 50, "s", 4000);
        QuantizationScheme mse = QuantizationScheme.of(NumberFormat.FP8_E4M3, Strategy.ATTN_HEAD, true, new Mse());
        for (QuantizationScheme own : List.of(mse, QuantizationScheme.of(NumberFormat.INT8, Strategy.CHANNEL))) {
            QuantizationScheme compared = own == mse ? mse : QuantizationScheme.fp8();
            JsonNode data = data(page(model, own));
            assertThat(data.get("unitVerdict").asText()).startsWith("Scale 1.0 clips ");
            for (JsonNode slot : data.get("slots")) {
                Role role = slot.get("role").asText().equals("key") ? Role.KEY : Role.VALUE;
                SlotStatistics seen = Objects.requireNonNull(
                        model.slots().get(new Slot(slot.get("layer").asInt(), role)));
                ScaleFit fit = ScaleFit.ofUnitScale(seen);
                JsonNode unit = slot.get("unit");
                assertThat(unit.get("share").asDouble())
                        .isPositive()
                        .isEqualTo(Objects.requireNonNull(fit.saturatedShare()));
                assertThat(unit.get("sqnr").asDouble())
                        .isEqualTo(Objects.requireNonNull(fit.error()).sqnrDb());
                assertThat(unit.get("calibrated").asDouble())
                        .isEqualTo(Objects.requireNonNull(SlotError.of(seen, compared))
                                .sqnrDb());
                assertThat(unit.get("observer").asText())
                        .isEqualTo(compared.observer().word());
            }
        }
        JsonNode ranges =
                data(page(model(geometry, StatisticsKind.RANGE, 2, 50, "s", 4000), mse.withDefaultObserver()));
        assertThat(ranges.get("unitVerdict").asText()).startsWith("Scale 1.0 clips values beyond 448 in 4 of 4 slots");
        assertThat(ranges.get("slots").get(0).get("unit").has("sqnr")).isFalse();
        assertThat(ranges.get("slots").get(0).get("unit").get("share").isNull()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "FP8_E4M3, TENSOR, false, 400, false",
        "FP8_E4M3, TENSOR, true, 400, false",
        "INT8, TENSOR, false, 40, false",
        "INT8, TENSOR, true, 40, false",
        "INT8, TENSOR, false, 400, true",
        "INT8, TENSOR, true, 400, true",
        "INT8, CHANNEL, false, 400, false",
        "INT4, TENSOR, true, 40, true",
        "INT4, ATTN_HEAD, false, 40, true"
    })
    void outliersAreAWarningOnlyWhereTheFormatSuffers(
            NumberFormat format, Strategy strategy, boolean histograms, int outlier, boolean grave) {
        StatisticsKind kind = histograms ? StatisticsKind.HISTOGRAM : StatisticsKind.RANGE;
        CalibrationStatistics model = model(new Geometry(Dtype.BF16, 1, 64), kind, 1, 200, "s", outlier);
        JsonNode findings =
                data(page(model, QuantizationScheme.of(format, strategy))).get("findings");
        List<JsonNode> outliers = new ArrayList<>();
        findings.forEach(finding -> {
            if (finding.get("title").asText().startsWith("Outlier channels")) {
                outliers.add(finding);
            }
        });
        assertThat(outliers).hasSize(2).allMatch(finding -> finding.get("grave").asBoolean() == grave);
    }

    @Test
    void thePageNamesModelAndIdentity() {
        CalibrationStatistics model = model(new Geometry(Dtype.BF16, 1, 4), StatisticsKind.RANGE, 1, 9, "s");
        ScaleSolver solver = new ScaleSolver(
                SlotSchemes.of(QuantizationScheme.fp8()), layer -> true, new Tolerances(false, false, false, false));
        ScaleTable table = solver.solve(model, null).table().from("LlamaForCausalLM", "ab".repeat(32));
        byte[] page = Report.html(new ScaleSolver.Solution(table, List.of()), model, null, List.of(), "1.2.3");
        JsonNode data = data(new String(page, StandardCharsets.UTF_8));
        assertThat(data.get("model").asText()).isEqualTo("LlamaForCausalLM");
        assertThat(data.get("scales_sha256").asText()).isEqualTo(table.sha256());
        assertThat(data.get("statistics_sha256").asText()).isEqualTo("ab".repeat(32));
    }

    @Test
    void equalDataGivesEqualBytes() {
        Geometry geometry = new Geometry(Dtype.F16, 3, 8);
        String page = page(model(geometry, StatisticsKind.HISTOGRAM, 12, 20, "s"), QuantizationScheme.fp8());
        for (int i = 0; i < 3; i++) {
            assertThat(page(model(geometry, StatisticsKind.HISTOGRAM, 12, 20, "s"), QuantizationScheme.fp8()))
                    .isEqualTo(page);
        }
    }

    @Test
    void namesDoNotBecomeMarkup() {
        String hostile = "</script><img src=x onerror=owned=1>\u2028'\"&amp;<!--\u202e{{scripts}}$0\\";
        String page = page(
                model(new Geometry(Dtype.BF16, 1, 4), StatisticsKind.HISTOGRAM, 1, 9, hostile),
                QuantizationScheme.fp8());
        assertThat(page.replaceAll("(?s)<script>.*?</script>", ""))
                .doesNotContain("<img", "onerror=owned=1>", "&amp;", "\u2028'", "<!--\u202e");
        assertThat(page.split("<script", -1)).hasSize(4);
        // Line ends and direction marks are replaced; everything else is kept as text.
        assertThat(data(page).get("slots").get(0).get("minSample").asText())
                .startsWith("</script><img src=x onerror=owned=1>")
                .contains("{{scripts}}$0");
    }

    @Test
    void thePolicyAllowsExactlyThePagesScripts() {
        checkOnlyItsOwnScripts(
                page(model(new Geometry(Dtype.BF16, 1, 4), StatisticsKind.RANGE, 1, 9, "s"), QuantizationScheme.fp8()));
    }

    /** Checks that the policy names the digests of both scripts, and that the page loads nothing. */
    static void checkOnlyItsOwnScripts(String page) {
        Matcher policy = Pattern.compile("Content-Security-Policy\" content=\"([^\"]*)\"")
                .matcher(page);
        assertThat(policy.find()).isTrue();
        assertThat(policy.group(1)).contains("default-src 'none'").doesNotContain("http", "unsafe-eval");
        Matcher script =
                Pattern.compile("<script>(.*?)</script>", Pattern.DOTALL).matcher(page);
        int scripts = 0;
        while (script.find()) {
            assertThat(policy.group(1)).contains("'sha256-" + digest(script.group(1)) + "'");
            scripts++;
        }
        assertThat(scripts).isEqualTo(2);
        assertThat(page).doesNotContain("src=\"http", "href=\"http", "@import", "url(http");
    }

    private static String digest(String script) {
        try {
            byte[] bytes = script.getBytes(StandardCharsets.UTF_8);
            return Base64.getEncoder()
                    .encodeToString(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    static JsonNode data(String page) {
        Matcher json =
                Pattern.compile("id=\"data\">(.*?)</script>", Pattern.DOTALL).matcher(page);
        assertThat(json.find()).isTrue();
        try {
            return JsonMapper.builder().build().readTree(json.group(1));
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static String page(CalibrationStatistics model, QuantizationScheme scheme) {
        ScaleSolver solver =
                new ScaleSolver(SlotSchemes.of(scheme), layer -> true, new Tolerances(false, false, false, false));
        return new String(
                Report.html(solver.solve(model, null), model, null, List.of(), "1.2.3"), StandardCharsets.UTF_8);
    }

    private static CalibrationStatistics model(
            Geometry geometry, StatisticsKind kind, int layers, int tokens, String sample) {
        return model(geometry, kind, layers, tokens, sample, 1);
    }

    /** @param outlier the factor of channel 0 */
    private static CalibrationStatistics model(
            Geometry geometry, StatisticsKind kind, int layers, int tokens, String sample, int outlier) {
        TreeMap<Slot, SlotStatistics> slots = new TreeMap<>();
        Random random = new Random(3);
        for (int layer = 0; layer < layers; layer++) {
            for (Role role : Role.CACHED) {
                SlotStatistics slot = new SlotStatistics(geometry, null, kind.tables());
                KvSource source = new KvSource("f", 0, sample, geometry, 1, tokens, false, null);
                slot.update(new Position(source, 0), values(geometry, tokens, random, outlier));
                slots.put(new Slot(layer, role), slot);
            }
        }
        return new CalibrationStatistics(Corpus.EMPTY, slots);
    }

    private static ByteBuffer values(Geometry geometry, int tokens, Random random, int outlier) {
        Dtype dtype = geometry.dtype();
        int size = geometry.channels() * tokens;
        ByteBuffer values = ByteBuffer.allocate(size * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < size; i++) {
            float x = (float) random.nextGaussian() * (1 + i % geometry.channels() % 7);
            x *= i % geometry.channels() == 0 ? outlier : 1;
            if (dtype == Dtype.F32) {
                values.putFloat(x);
            } else {
                values.putShort((short) dtype.fromFloat(x));
            }
        }
        return values.flip();
    }
}
