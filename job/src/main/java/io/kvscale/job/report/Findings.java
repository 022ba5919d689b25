package io.kvscale.job.report;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Role;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** Checks the slots for properties that a reader should know before using the scales. */
final class Findings {
    /** An outlier channel is above this multiple of the median channel of its head. Keys of real models reach 2 to 4. */
    static final float OUTLIER = 5;

    /** Scales with at least this SQNR in dB do not suffer from outliers: the noise is below a hundredth of the signal. */
    static final double GOOD_SQNR = 20;

    /** Fewer codes than this for a channel of median size lose its values. */
    private static final float FEW_CODES = 16;

    /** A range above this multiple of the 99.99th percentile of |x| wastes a bit of an integer format. */
    static final float WASTE = 2;

    /** Heads whose maxima differ by this factor lose bits if they share a scale. */
    static final float UNEVEN = 4;

    /** A layer below this fraction of the median layer is nearly zero. */
    static final float NEAR_ZERO = 1e-3f;

    private final List<ReportedSlot> slots;
    private final List<Finding> found = new ArrayList<>();

    private Findings(List<ReportedSlot> slots) {
        this.slots = slots;
    }

    /** The findings, warnings first. */
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

    private void nearZero() {
        List<Finding.Case> cases = new ArrayList<>();
        for (Role role : Role.values()) {
            double[] sizes =
                    slots(role).mapToDouble(ReportedSlot::absmax).sorted().toArray();
            double median = sizes.length == 0 ? 0 : sizes[(sizes.length - 1) / 2];
            slots(role)
                    .filter(slot -> slot.absmax() < NEAR_ZERO * median)
                    .forEach(slot -> cases.add(slotCase(
                            1 / (double) slot.absmax(),
                            slot,
                            "maximum |x| " + number(slot.absmax()) + ", median of all layers " + number(median))));
        }
        add(
                true,
                "Layers near zero",
                "All values are below 1/1000 of the median layer. Either the capture missed these layers, or the model does"
                        + " not use them.",
                cases);
    }

    private void zeroChannels() {
        List<Finding.Case> cases = new ArrayList<>();
        for (ReportedSlot slot : slots) {
            int zero = 0;
            for (float channel : slot.channels()) {
                zero += channel == 0 ? 1 : 0;
            }
            if (zero > 0) {
                cases.add(slotCase(zero, slot, zero + " of " + slot.channels().length + " channels"));
            }
        }
        add(
                true,
                "Channels with only zeros",
                "The heads are pruned or padded, or the capture is truncated. With strategy: channel there is no data for"
                        + " the scale of these channels.",
                cases);
    }

    private void outliers(Role role) {
        List<Finding.Case> cases = new ArrayList<>();
        boolean[] suffers = {false};
        slots(role).forEach(slot -> {
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
                    suffers[0] |= suffers(slot, size / median);
                    cases.add(slotCase(
                            size / median,
                            slot,
                            "head " + head + ", channel " + greatest % slot.headDim() + ": maximum |x| " + number(size)
                                    + ", " + times(size / median) + " the median channel of the head"
                                    + (count > 1 ? "; " + (count - 1) + " more in this head" : "")));
                }
            }
        });
        boolean fine = slots(role).allMatch(slot -> slot.scales().scheme().strategy() == Strategy.CHANNEL);
        add(
                suffers[0],
                "Outlier channels in " + role.letter(),
                "The maximum of a few channels is more than " + times(OUTLIER) + " that of the median channel of their"
                        + " head. "
                        + (fine
                                ? "Each channel has its own scale, so other channels lose no precision."
                                : suffers[0]
                                        ? "Channels that share a scale with an outlier lose precision in integer formats. fp8"
                                                + " loses less; strategy: channel loses none."
                                        : "The chosen format keeps enough precision for the other channels."),
                cases);
    }

    /** Whether the chosen format is too coarse for the channels that share a scale with an outlier. */
    private static boolean suffers(ReportedSlot slot, float ratio) {
        QuantizationScheme scheme = slot.scales().scheme();
        if (scheme.strategy() == Strategy.CHANNEL) {
            return false;
        }
        SlotScales.ErrorSummary error = slot.scales().error();
        if (error != null && error.sqnrDb() < GOOD_SQNR) {
            return true;
        }
        // The SQNR of the slot is mostly that of the outliers, so that it does not tell all about the other channels.
        NumberFormat format = scheme.format();
        // fp8 has the same relative precision over several powers of ten.
        return format.bits() < Byte.SIZE || format.isInteger() && (1 << format.bits()) / ratio < FEW_CODES;
    }

    private void heavyTails() {
        List<Finding.Case> cases = new ArrayList<>();
        boolean integer = false;
        for (ReportedSlot slot : slots) {
            Distribution distribution = slot.distribution();
            float[] reach = slot.widestReach();
            float furthest = Math.max(-reach[0], reach[1]);
            if (distribution != null && furthest > WASTE * distribution.nearlyAll()) {
                integer |= slot.scales().scheme().format().isInteger();
                cases.add(slotCase(
                        furthest / (double) distribution.nearlyAll(),
                        slot,
                        "99.99 % of |x| are at most " + number(distribution.nearlyAll()) + ", the range ends at "
                                + number(furthest)));
            }
        }
        add(
                integer,
                "Heavy tails",
                "One value in ten thousand uses more than half of the range. An integer format loses one bit of precision"
                        + " for each factor of two; observer: mse or percentile limits this. fp8 keeps its relative"
                        + " precision.",
                cases);
    }

    private void unevenHeads() {
        List<Finding.Case> cases = new ArrayList<>();
        for (ReportedSlot slot : slots) {
            if (slot.scales().scheme().strategy() != Strategy.TENSOR || slot.heads() < 2) {
                continue;
            }
            double[] heads = new double[slot.heads()];
            Arrays.setAll(heads, slot::absmaxOfHead);
            Arrays.sort(heads);
            if (heads[0] > 0 && heads[heads.length - 1] > UNEVEN * heads[0]) {
                cases.add(slotCase(
                        heads[heads.length - 1] / heads[0],
                        slot,
                        "maximum |x| per head from " + number(heads[0]) + " to " + number(heads[heads.length - 1])));
            }
        }
        add(
                slots.stream().anyMatch(slot -> slot.scales().scheme().format() == NumberFormat.INT4),
                "Uneven heads share a scale",
                "The head with the largest values determines the scale of all heads. strategy: attn_head uses one scale per"
                        + " head, which vLLM can load.",
                cases);
    }

    private Stream<ReportedSlot> slots(Role role) {
        return slots.stream().filter(slot -> slot.slot().role() == role);
    }

    private static Finding.Case slotCase(double severity, ReportedSlot slot, String text) {
        String name = "layer " + slot.slot().layer() + " " + slot.slot().role().letter();
        return new Finding.Case(severity, ReportData.id(slot.slot()), name + ": " + text);
    }

    private void add(boolean grave, String title, String text, List<Finding.Case> cases) {
        if (!cases.isEmpty()) {
            List<Finding.Case> sorted = cases.stream()
                    .sorted(Comparator.comparingDouble(Finding.Case::severity).reversed())
                    .toList();
            found.add(grave ? graveCount() : found.size(), new Finding(grave, title, text, sorted));
        }
    }

    private int graveCount() {
        return (int) found.stream().filter(Finding::grave).count();
    }

    /** Three digits; equal on every JDK. */
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
