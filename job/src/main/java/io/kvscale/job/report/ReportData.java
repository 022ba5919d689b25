package io.kvscale.job.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.job.convergence.Convergence;
import io.kvscale.job.convergence.ConvergenceJson;
import io.kvscale.job.unitscale.UnitScaleComparison;
import io.kvscale.job.unitscale.UnitScaleSlot;
import io.kvscale.json.Json;
import io.kvscale.quant.ScaleSolver;
import io.kvscale.quant.SlotError;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The data of the page as JSON, which {@code base.js} reads. */
record ReportData(
        ScaleSolver.Solution solution,
        List<ReportedSlot> slots,
        @Nullable Convergence convergence,
        List<PastScales> history,
        String version) {
    /** Maximum number of slots whose curves are shown; the worst are shown. */
    private static final int MAX_CURVES = 12;

    /** Maximum number of cases per finding; the worst are shown. */
    private static final int MAX_CASES = 40;

    private static final int MAX_WARNINGS = 6;

    /** Maximum length of a sample name in bytes, because a page has hundreds of them. */
    private static final int MAX_NAME = 96;

    /** The id of a slot in the page. */
    static String id(Slot slot) {
        return slot.layer() + "/" + slot.role().word();
    }

    String toJson() {
        ObjectNode data = Json.MAPPER.createObjectNode();
        data.put("version", version);
        ScaleTable table = solution.table();
        String model = table.provenance().model();
        data.put("model", model == null ? null : DataProblem.shown(model));
        data.put("scales_sha256", table.sha256());
        data.put("statistics_sha256", table.provenance().statisticsSha256());
        ScaleTable.CorpusSummary corpus = table.corpus();
        data.putObject("corpus")
                .put("fingerprint", corpus.fingerprint())
                .put("files", corpus.files())
                .put("samples", corpus.samples())
                .put("tokens", corpus.tokens())
                .put("values", corpus.values());
        findings(data.putArray("findings"));
        List<QuantizationScheme> schemes =
                slots.stream().map(slot -> slot.scales().scheme()).distinct().toList();
        ArrayNode all = data.putArray("schemes");
        schemes.forEach(scheme -> write(scheme, all.addObject()));
        ArrayNode candidates = data.putArray("candidates");
        SchemeErrors.SCHEMES.forEach(scheme -> write(scheme, candidates.addObject()));
        data.put(
                "unitVerdict",
                new UnitScaleComparison(slots.stream().map(ReportedSlot::unit).toList()).verdict());
        if (isShown(history)) {
            history(data.putObject("history"));
        }
        int pool = ChannelMap.pooled(slots);
        data.put("pool", pool);
        ArrayNode array = data.putArray("slots");
        slots.forEach(slot -> write(slot, schemes.indexOf(slot.scales().scheme()), pool, array.addObject()));
        if (convergence != null) {
            data.set("convergence", Json.MAPPER.valueToTree(ConvergenceJson.fields(convergence, MAX_CURVES)));
        }
        try {
            return Json.MAPPER.writeValueAsString(data);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree is always JSON", e);
        }
    }

    private static void write(QuantizationScheme scheme, ObjectNode to) {
        to.put("format", scheme.format().word()).set("fields", Json.MAPPER.valueToTree(KvCacheScheme.fields(scheme)));
    }

    /** A single run has no history. */
    static boolean isShown(List<PastScales> history) {
        return history.size() > 1;
    }

    /** The times of runs, and by slot a scale for each, or null. */
    private void history(ObjectNode to) {
        ArrayNode times = to.putArray("times");
        history.forEach(
                run -> times.add(run.time().truncatedTo(ChronoUnit.SECONDS).toString()));
        ObjectNode scales = to.putObject("scales");
        for (ReportedSlot slot : slots) {
            ArrayNode line = scales.putArray(id(slot.slot()));
            history.forEach(run -> line.add(run.scales().get(slot.slot())));
        }
    }

    private void findings(ArrayNode to) {
        List<String> warnings = solution.warnings();
        for (String warning : warnings.subList(0, Math.min(MAX_WARNINGS, warnings.size()))) {
            to.addObject().put("grave", true).put("title", "").put("text", DataProblem.printable(warning));
        }
        if (warnings.size() > MAX_WARNINGS) {
            String more = warnings.size() - MAX_WARNINGS + " more warnings; run kvscale scales to see them";
            to.addObject().put("grave", true).put("title", "").put("text", more);
        }
        for (Finding finding : Findings.of(slots)) {
            ObjectNode one = to.addObject();
            one.put("grave", finding.grave()).put("title", finding.title()).put("text", finding.text());
            one.put("count", finding.cases().size());
            ArrayNode cases = one.putArray("cases");
            finding.cases().stream()
                    .limit(MAX_CASES)
                    .forEach(at -> cases.addObject().put("slot", at.slot()).put("text", at.text()));
        }
    }

    private static void write(ReportedSlot slot, int scheme, int pool, ObjectNode to) {
        to.put("layer", slot.slot().layer()).put("role", slot.slot().role().word());
        to.put("scheme", scheme);
        to.put("dtype", slot.scales().geometry().dtype().name());
        to.put("heads", slot.heads()).put("headDim", slot.headDim());
        float least = Float.POSITIVE_INFINITY;
        float greatest = 0;
        for (float scale : slot.scales().scale()) {
            least = Math.min(least, scale);
            greatest = Math.max(greatest, scale);
        }
        to.put("scales", slot.scales().scale().length).put("leastScale", least).put("greatestScale", greatest);
        to.put("min", slot.scales().min()).put("max", slot.scales().max());
        to.put("minSample", name(slot.scales().minSample()))
                .put("maxSample", name(slot.scales().maxSample()));
        to.put("count", slot.scales().count())
                .put("nan", slot.scales().nan())
                .put("inf", slot.scales().infinite());
        to.put("tokens", slot.seen().tokens());
        numbers(to.putArray("widest"), slot.widestReach());
        numbers(to.putArray("narrowest"), slot.narrowestReach());
        to.put("map", ChannelMap.encode(slot, pool));
        Distribution distribution = slot.distribution();
        if (distribution != null) {
            to.put("nearlyAll", distribution.nearlyAll());
            ArrayNode bins = to.putArray("bins");
            for (long bin : distribution.bins()) {
                bins.add(bin);
            }
        }
        write(slot.unit(), to.putObject("unit"));
        SchemeErrors errors = slot.errors();
        if (errors != null) {
            to.put("approximate", errors.candidates().get(0).approximate());
            if (errors.own() != null) {
                numbers(to.putArray("own"), errors.own());
            }
            ArrayNode candidates = to.putArray("errors");
            errors.candidates().forEach(error -> numbers(candidates.addArray(), error));
        }
    }

    /** SQNR is null if it is infinite; without histograms it is absent. */
    private static void write(UnitScaleSlot unit, ObjectNode to) {
        to.put("share", unit.unit().saturatedShare());
        to.put("observer", unit.observer().word());
        SlotError error = unit.unit().error();
        SlotError calibrated = unit.calibrated();
        if (error != null && calibrated != null) {
            to.put("sqnr", finite(error.sqnrDb())).put("calibrated", finite(calibrated.sqnrDb()));
        }
    }

    private static @Nullable Double finite(double x) {
        return Double.isInfinite(x) ? null : x;
    }

    /** Order: SQNR in dB (null: no error), mean squared error, saturated values, codes used. */
    private static void numbers(ArrayNode to, SlotError error) {
        to.add(finite(error.sqnrDb())).add(error.mse()).add(error.saturated()).add(error.codesUsed());
    }

    private static void numbers(ArrayNode to, float[] numbers) {
        for (float number : numbers) {
            to.add(number);
        }
    }

    /** Names come from untrusted files: escapes control characters and limits the length. */
    private static @Nullable String name(@Nullable String sample) {
        if (sample == null) {
            return null;
        }
        String shown = DataProblem.shown(sample);
        int bytes = 0;
        for (int at = 0; at < shown.length(); at = shown.offsetByCodePoints(at, 1)) {
            int end = shown.offsetByCodePoints(at, 1);
            bytes += shown.substring(at, end).getBytes(StandardCharsets.UTF_8).length;
            if (bytes > MAX_NAME) {
                return shown.substring(0, at) + "…";
            }
        }
        return shown;
    }
}
