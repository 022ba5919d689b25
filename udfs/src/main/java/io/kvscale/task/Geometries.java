package io.kvscale.task;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The geometries of one slot's tensors, each with the first file that has it; a commutative monoid. More than one is an
 * error. The first two are kept, so that the error does not depend on how the files were split.
 */
public record Geometries(List<Seen> seen) implements Serializable {
    private static final int KEPT = 2;

    public record Seen(Geometry geometry, Origin first) implements Serializable {}

    static Geometries of(Geometry geometry, Origin origin) {
        return new Geometries(List.of(new Seen(geometry, origin)));
    }

    public Geometries merge(Geometries other) {
        Seen one = seen.get(0);
        Seen another = other.seen.get(0);
        if (seen.size() == 1 && other.seen.size() == 1 && one.geometry().equals(another.geometry())) {
            // The usual case, once per tensor of the corpus: allocates nothing.
            return one.first().compareTo(another.first()) <= 0 ? this : other;
        }
        Map<Geometry, Origin> first = new HashMap<>();
        Stream.concat(seen.stream(), other.seen.stream())
                .forEach(s -> first.merge(s.geometry(), s.first(), (a, b) -> a.compareTo(b) <= 0 ? a : b));
        return new Geometries(first.entrySet().stream()
                .map(e -> new Seen(e.getKey(), e.getValue()))
                .sorted(Comparator.comparing(Seen::first))
                .limit(KEPT)
                .toList());
    }

    /** The error of a slot with two geometries, in the file and sample that show the second; null for one geometry. */
    public @Nullable DataProblem conflict(Slot slot) {
        return conflict(slot, null);
    }

    /** @param layout what is known of the order of axes, if it was guessed; null if it was not */
    @Nullable
    DataProblem conflict(Slot slot, @Nullable LayoutEvidence layout) {
        if (seen.size() < KEPT) {
            return null;
        }
        Geometry one = seen.get(0).geometry();
        Geometry other = seen.get(1).geometry();
        @Nullable
        DataProblem problem =
                conflict(slot, one, seen.get(0).first(), other, seen.get(1).first());
        int fewer = Math.min(one.heads(), other.heads());
        int more = Math.max(one.heads(), other.heads());
        if (problem == null || one.dtype() != other.dtype() || one.headDim() != other.headDim()) {
            return problem;
        } else if (layout != null && layout.headsMayBeTokens(fewer, more)) {
            return layout.explained(problem, one.headDim());
        }
        return more % fewer == 0 && slot.role().isCached() ? repeated(problem, more) : problem;
    }

    private static DataProblem repeated(DataProblem conflict, int queryHeads) {
        return new DataProblem(
                conflict.what(),
                queryHeads
                        + " heads look like K and V repeated to the query heads: capture them before repeat_kv, as the"
                        + " cache holds them. If not, calibrate on captures of one model",
                conflict.sample(),
                conflict.slot(),
                conflict.file(),
                conflict.tensor());
    }

    /**
     * Compares two geometries of one slot.
     *
     * @param first where {@code one} was seen first; null if not known
     * @param here where {@code other} was seen; null if not known
     * @return the error if they differ, else null
     */
    public static @Nullable DataProblem conflict(
            Slot slot, Geometry one, @Nullable Origin first, Geometry other, @Nullable Origin here) {
        if (one.equals(other)) {
            return null;
        }
        DataProblem problem = DataProblem.of(
                        "this slot is " + other + " here, but " + one + " " + place(first),
                        "calibrate on captures of one model, taken in one way")
                .inSlot(slot);
        if (here != null && !here.file().isEmpty()) {
            problem = problem.inFile(here.file());
        }
        return here == null || here.sample() == null ? problem : problem.inSample(here.sample());
    }

    private static String place(@Nullable Origin origin) {
        if (origin != null && !origin.file().isEmpty()) {
            return "in " + DataProblem.shown(origin.file());
        }
        return origin == null || origin.sample() == null
                ? "elsewhere"
                : "in sample " + DataProblem.shown(origin.sample().toString());
    }
}
