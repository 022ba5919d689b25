package io.kvscale.job.report;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Role;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** Looks through the slots for what a reader should know before trusting the scales. */
final class Findings {
    /** A channel this many times the median channel of its head is an outlier: keys of real models have 2 to 4. */
    static final float OUTLIER = 5;

    /** A scale that reaches this many times as far as 99.99 % of the values wastes a bit of an integer format. */
    static final float WASTE = 2;

    /** Heads this far apart lose bits to the largest of them under one scale. */
    static final float UNEVEN = 4;

    /** A layer below this part of the median layer is next to nothing. */
    static final float NEAR_ZERO = 1e-3f;

    private final List<ReportedSlot> slots;
    private final List<Finding> found = new ArrayList<>();

    private Findings(List<ReportedSlot> slots) {
        this.slots = slots;
    }

    /** What was found, the grave first. */
    static List<Finding> of(List<ReportedSlot> slots) {
        Findings findings = new Findings(slots);
        findings.nearZero();
        findings.zeroChannels();
        for (Role role : Role.values()) {
            findings.outliers(role);
        }
        findings.heavyTails();
        findings.unevenHeads();
        return findings.found;
    }

    /** A case with the number by which it is bad. */
    private record Ranked(double how, Finding.Case at) {}

    private void nearZero() {
        List<Ranked> cases = new ArrayList<>();
        for (Role role : Role.values()) {
            double[] sizes = of(role).mapToDouble(ReportedSlot::absmax).sorted().toArray();
            double median = sizes.length == 0 ? 0 : sizes[(sizes.length - 1) / 2];
            of(role).filter(slot -> slot.absmax() < NEAR_ZERO * median)
                    .forEach(slot -> cases.add(ranked(
                            1 / (double) slot.absmax(),
                            slot,
                            "|x| up to " + number(slot.absmax()) + ", the median layer's is " + number(median))));
        }
        add(
                true,
                "Layers near zero",
                "Their values are less than a thousandth of the usual. A capture that missed the layer looks like this;"
                        + " so do layers that a model does not use.",
                cases);
    }

    private void zeroChannels() {
        List<Ranked> cases = new ArrayList<>();
        for (ReportedSlot slot : slots) {
            int zero = 0;
            for (float channel : slot.channels()) {
                zero += channel == 0 ? 1 : 0;
            }
            if (zero > 0) {
                cases.add(ranked(zero, slot, zero + " of " + slot.channels().length + " channels"));
            }
        }
        add(
                true,
                "Channels of zeros only",
                "Heads pruned or padded, or a capture that was cut. A scale of their own would come from nothing.",
                cases);
    }

    private void outliers(Role role) {
        List<Ranked> cases = new ArrayList<>();
        of(role).forEach(slot -> {
            for (int head = 0; head < slot.heads(); head++) {
                float median = slot.medianOfHead(head);
                int greatest = -1;
                int count = 0;
                for (int c = head * slot.headDim(); c < (head + 1) * slot.headDim(); c++) {
                    if (median > 0 && slot.channels()[c] > OUTLIER * median) {
                        count++;
                        greatest = greatest < 0 || slot.channels()[c] > slot.channels()[greatest] ? c : greatest;
                    }
                }
                if (greatest >= 0) {
                    float size = slot.channels()[greatest];
                    cases.add(ranked(
                            size / median,
                            slot,
                            "head " + head + ", channel " + greatest % slot.headDim() + ": |x| up to " + number(size)
                                    + ", " + times(size / median) + " the head's median channel"
                                    + (count > 1 ? "; " + (count - 1) + " more in this head" : "")));
                }
            }
        });
        boolean fine = of(role).allMatch(slot -> slot.scales().scheme().strategy() == Strategy.CHANNEL);
        add(
                !fine,
                "Outlier channels in " + letter(role),
                "A few channels reach more than " + times(OUTLIER) + " as far as the median channel of their head. "
                        + (fine
                                ? "Every channel has a scale of its own here, so the others do not suffer."
                                : "Where they share a scale, the others are left with few of an integer format's steps;"
                                        + " fp8 suffers less, and strategy: channel not at all."),
                cases);
    }

    private void heavyTails() {
        List<Ranked> cases = new ArrayList<>();
        boolean integer = false;
        for (ReportedSlot slot : slots) {
            Distribution distribution = slot.distribution();
            float[] reach = slot.widestReach();
            float furthest = Math.max(-reach[0], reach[1]);
            if (distribution != null && furthest > WASTE * distribution.nearlyAll()) {
                integer |= slot.scales().scheme().format().isInteger();
                cases.add(ranked(
                        furthest / (double) distribution.nearlyAll(),
                        slot,
                        "99.99 % of |x| are at most " + number(distribution.nearlyAll()) + ", the scale reaches "
                                + number(furthest)));
            }
        }
        add(
                integer,
                "Heavy tails",
                "One value in ten thousand takes more than half of the range. An integer format loses a bit to it for every"
                        + " factor of two: observer: mse or percentile weighs that. fp8 keeps its relative precision.",
                cases);
    }

    private void unevenHeads() {
        List<Ranked> cases = new ArrayList<>();
        for (ReportedSlot slot : slots) {
            if (slot.scales().scheme().strategy() != Strategy.TENSOR || slot.heads() < 2) {
                continue;
            }
            double[] heads = new double[slot.heads()];
            Arrays.setAll(heads, slot::absmaxOfHead);
            Arrays.sort(heads);
            if (heads[0] > 0 && heads[heads.length - 1] > UNEVEN * heads[0]) {
                cases.add(ranked(
                        heads[heads.length - 1] / heads[0],
                        slot,
                        "heads reach from " + number(heads[0]) + " to " + number(heads[heads.length - 1])));
            }
        }
        add(
                slots.stream().anyMatch(slot -> slot.scales().scheme().format() == NumberFormat.INT4),
                "Uneven heads under one scale",
                "The scale of a tensor follows its largest head. strategy: attn_head gives every head its own, and vLLM"
                        + " loads it.",
                cases);
    }

    private java.util.stream.Stream<ReportedSlot> of(Role role) {
        return slots.stream().filter(slot -> slot.slot().role() == role);
    }

    private static Ranked ranked(double how, ReportedSlot slot, String text) {
        String name = "layer " + slot.slot().layer() + " " + letter(slot.slot().role());
        return new Ranked(how, new Finding.Case(ReportData.id(slot.slot()), name + ": " + text));
    }

    private void add(boolean grave, String title, String text, List<Ranked> cases) {
        if (!cases.isEmpty()) {
            List<Finding.Case> sorted = cases.stream()
                    .sorted(Comparator.comparingDouble(Ranked::how).reversed())
                    .map(Ranked::at)
                    .toList();
            found.add(grave ? graveCount() : found.size(), new Finding(grave, title, text, sorted));
        }
    }

    private int graveCount() {
        return (int) found.stream().filter(Finding::grave).count();
    }

    private static String letter(Role role) {
        return role == Role.KEY ? "K" : "V";
    }

    /** Three digits, for reading; the same text on every JDK. */
    private static String number(double x) {
        BigDecimal rounded = new BigDecimal(x).round(new MathContext(3));
        boolean plain = Math.abs(x) >= 1e-4 && Math.abs(x) < 1e6;
        return x == 0 ? "0" : plain ? rounded.stripTrailingZeros().toPlainString() : rounded.toString();
    }

    private static String times(double factor) {
        return String.format(
                Locale.ROOT, factor < 10 && factor != Math.rint(factor) ? "%.1f times" : "%.0f times", factor);
    }
}
