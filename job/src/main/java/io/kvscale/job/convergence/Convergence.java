package io.kvscale.job.convergence;

import io.kvscale.tensor.Role;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * How the scales change with the number of tokens, from a small part of a corpus to the whole. Each part contains the part
 * before it and is about twice as large. Parts are chosen by hash, so they do not depend on partitions or the order of files.
 *
 * @param sizes of the parts, ascending; the last one is the whole
 * @param worstFirst one for each slot, each with as many points as there are sizes
 * @param available number of samples that a run could have used that stops when scales are stable; 0 for a run that uses all
 */
public record Convergence(List<PartSize> sizes, List<SlotCurve> worstFirst, long available) {
    /** The largest relative change of a scale that counts as stable. */
    public static final double TOLERANCE = 0.01;

    public Convergence {
        sizes = List.copyOf(sizes);
        worstFirst = List.copyOf(worstFirst);
    }

    /** These curves, of a run that stops when scales are stable. */
    public Convergence ofAvailable(long samples) {
        return new Convergence(sizes, worstFirst, samples);
    }

    /**
     * The smallest number of tokens from which on no scale differs from that of the whole by more than 1 %.
     *
     * @return null if the last doubling changed a scale by more, or there is only one part
     */
    public @Nullable Long stableSince() {
        return stableSince(curve -> true);
    }

    /** {@link #stableSince} of the slots of a role. */
    public @Nullable Long stableSince(Role role) {
        return stableSince(curve -> curve.slot().role() == role);
    }

    /** {@link #stableSince} of one slot. */
    public @Nullable Long stableSince(SlotCurve curve) {
        return stableSince(other -> other == curve);
    }

    private @Nullable Long stableSince(Predicate<SlotCurve> among) {
        int from = worstFirst.stream()
                .filter(among)
                .mapToInt(SlotCurve::stableFrom)
                .max()
                .orElse(sizes.size());
        return from >= sizes.size() - 1 ? null : (Long) sizes.get(from).tokens();
    }

    public boolean isStable() {
        return stableSince() != null;
    }

    /** The size of the whole. */
    public PartSize whole() {
        return sizes.get(sizes.size() - 1);
    }

    /** The result in one sentence. */
    public String verdict() {
        Long since = stableSince();
        PartSize whole = whole();
        String used = available == 0 ? "" : "; used " + whole.samples() + " of " + available + " samples";
        if (since != null) {
            return "all scales are stable since " + since + " of " + whole.tokens() + " tokens within "
                    + percent(TOLERANCE) + used;
        } else if (sizes.size() < 2) {
            return "thin evidence: " + whole.samples() + (whole.samples() == 1 ? " sample is" : " samples are")
                    + " too few to tell whether the scales are stable; calibrate on more of the kind that will be served"
                    + used;
        }
        SlotCurve worst = worstFirst.get(0);
        long unstable =
                worstFirst.stream().filter(curve -> stableSince(curve) == null).count();
        return "thin evidence: from " + sizes.get(sizes.size() - 2).tokens() + " to " + whole.tokens()
                + " tokens the scales of " + unstable + " of " + worstFirst.size() + " slots changed by more than "
                + percent(TOLERANCE) + ", those of " + worst.slot() + " by " + percent(worst.lastChange())
                + "; calibrate on more of the kind that will be served" + used;
    }

    /** A share in percent with two digits; "much" if it is not finite. */
    public static String percent(double share) {
        return Double.isFinite(share)
                ? new BigDecimal(100 * share)
                                .round(new MathContext(2, RoundingMode.HALF_EVEN))
                                .stripTrailingZeros()
                                .toPlainString()
                        + " %"
                : "much";
    }
}
