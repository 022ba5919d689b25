package io.kvscale.job.console;

import io.kvscale.job.advice.Advice;
import io.kvscale.job.advice.Candidate;
import io.kvscale.job.advice.SlotAdvice;
import io.kvscale.job.target.ModelExporter;
import io.kvscale.job.target.ScaleExporter;
import io.kvscale.job.unitscale.UnitScaleComparison;
import io.kvscale.job.unitscale.UnitScaleSlot;
import io.kvscale.quant.SlotError;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Prints advice: one line per layer, the most sensitive slots, then what to copy: vLLM arguments and a recipe. */
public final class AdvicePrinter {
    private static final int MAX_SENSITIVE = 10;

    private AdvicePrinter() {}

    public static void print(Advice advice, PrintWriter out) {
        out.println(advice.goal().option() + ", static scales by "
                + advice.strategy().word() + " with the least squared error"
                + (advice.approximate() ? "; approximate, because F32 values were counted as BF16" : ""));
        layers(advice, out);
        out.println("average " + TextTable.fixed(advice.averageBits()) + " bits per value; noise/signal, summed over "
                + advice.slots().size() + " slots: "
                + new BigDecimal(advice.noiseToSignal()).round(new MathContext(4)));
        out.println();
        out.println("most sensitive slots, by their best SQNR at the fewest bits:");
        sensitive(advice, out);
        out.println();
        UnitScaleComparison unit = advice.unitScale();
        if (unit != null) {
            unit(unit, out);
            out.println();
        }
        next(advice, out);
        String recipe = advice.recipe();
        out.println();
        if (recipe == null) {
            out.println("no recipe, because every layer stays unquantized");
        } else {
            out.println("--- the recipe for these scales, for kvscale scales --recipe ---");
            out.print(recipe);
        }
    }

    /** What to do with unquantized layers, and how the target gets the scales and is started. */
    private static void next(Advice advice, PrintWriter out) {
        List<Integer> skipped = advice.skippedLayers();
        ScaleExporter target = advice.target();
        if (skipped.isEmpty()) {
            out.println("all layers are quantized");
        } else if (target == null) {
            out.println("vLLM arguments for the layers that stay unquantized, in addition to --kv-cache-dtype:");
            out.println(advice.skipArguments());
        }
        String refusal = target == null ? advice.vllmRefusal() : null;
        if (refusal != null) {
            out.println("vLLM cannot load this: " + refusal + " (use --for vllm)");
        }
        QuantizationScheme scheme = advice.commonScheme();
        if (target != null && scheme != null) {
            out.println("for " + target.engine() + ", with the recipe below:");
            out.println("kvscale scales --statistics STATISTICS --recipe RECIPE --output SCALES");
            out.println("kvscale export --scales SCALES --for " + target.target() + " --output OUTPUT"
                    + (target instanceof ModelExporter
                            ? " --model MODEL" + (skipped.isEmpty() ? "" : " --skip-layers " + numbers(skipped, ","))
                            : ""));
            String start = target.start("OUTPUT", scheme, skipped);
            if (start != null) {
                out.println(start);
            }
        }
    }

    private static String numbers(List<Integer> layers, String separator) {
        return layers.stream().map(String::valueOf).collect(Collectors.joining(separator));
    }

    private static void layers(Advice advice, PrintWriter out) {
        SortedMap<Slot, SlotAdvice> slots = new TreeMap<>();
        advice.slots().forEach(slot -> slots.put(slot.slot(), slot));
        TextTable table = new TextTable("layer", "key", "k_sqnr_db", "value", "v_sqnr_db");
        slots.keySet().stream().mapToInt(Slot::layer).distinct().forEach(layer -> {
            SlotAdvice key = slots.get(new Slot(layer, Role.KEY));
            SlotAdvice value = slots.get(new Slot(layer, Role.VALUE));
            table.row(layer, name(key), sqnr(key), name(value), sqnr(value));
        });
        table.print(out);
    }

    private static void sensitive(Advice advice, PrintWriter out) {
        List<Integer> widths = advice.slots().get(0).candidates().bits();
        List<String> heading = new ArrayList<>(List.of("layer", "role"));
        widths.forEach(bits -> heading.add(bits + "_bits_db"));
        heading.add("advice");
        TextTable table = new TextTable(heading.toArray(String[]::new));
        for (SlotAdvice slot : advice.ranking().stream().limit(MAX_SENSITIVE).toList()) {
            List<Object> row = new ArrayList<>(
                    List.of(slot.slot().layer(), slot.slot().role().word()));
            for (int bits : widths) {
                row.add(sqnr(slot.candidates().best(bits).orElseThrow()));
            }
            row.add(slot.chosen().name());
            table.row(row.toArray());
        }
        table.print(out);
    }

    private static void unit(UnitScaleComparison unit, PrintWriter out) {
        out.println("fp8 with scale 1.0 instead of calibrated scales; the slots that lose most:");
        TextTable table = new TextTable("layer", "role", "fp8_db", "scale_1_db", "loss_db", "beyond_448_percent");
        for (UnitScaleSlot slot : unit.byLoss().stream().limit(MAX_SENSITIVE).toList()) {
            Double share = slot.unit().saturatedShare();
            table.row(
                    slot.slot().layer(),
                    slot.slot().role().word(),
                    sqnr(slot.calibrated()),
                    sqnr(slot.unit().error()),
                    decibels(slot.lossDb()),
                    share == null || share == 0
                            ? "0"
                            : new BigDecimal(100 * share)
                                    .round(new MathContext(3))
                                    .toPlainString());
        }
        table.print(out);
        out.println(unit.verdict());
    }

    private static String name(@Nullable SlotAdvice slot) {
        return slot == null ? "" : slot.chosen().name();
    }

    private static String sqnr(@Nullable SlotAdvice slot) {
        return slot == null ? "" : sqnr(slot.chosen());
    }

    private static String sqnr(Candidate candidate) {
        return candidate.isQuantized() ? sqnr(candidate.error()) : "";
    }

    private static String sqnr(@Nullable SlotError error) {
        return error == null ? "" : Double.isInfinite(error.sqnrDb()) ? "exact" : TextTable.fixed(error.sqnrDb());
    }

    private static String decibels(double loss) {
        return Double.isInfinite(loss) ? "infinite" : TextTable.fixed(loss);
    }
}
