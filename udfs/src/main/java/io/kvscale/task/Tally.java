package io.kvscale.task;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Counts of a task beside its statistics; a commutative monoid.
 *
 * @param readBytes bytes read from files, or bytes of K and V given by rows or a model
 * @param nanos time that the tasks took, added up
 * @param maskedFiles files whose mask left out padding
 * @param foreignFiles files without any K or V
 * @param unmatchedTensors tensors that are neither K nor V
 * @param names names of some unmatched tensors; merging keeps one of two lists: the first in the order of their text
 * @param failed samples that the model failed on
 * @param phases parts of the tasks' time
 */
public record Tally(
        long readBytes,
        long nanos,
        long maskedFiles,
        long foreignFiles,
        long unmatchedTensors,
        List<String> names,
        FailedSamples failed,
        PhaseNanos phases)
        implements Serializable {
    public static final Tally NONE = new Tally(0, 0, 0, 0, 0, List.of(), FailedSamples.NONE, PhaseNanos.NONE);

    public Tally {
        names = new ArrayList<>(names);
    }

    static Tally read(long bytes, long nanos, FailedSamples failed) {
        return new Tally(bytes, nanos, 0, 0, 0, List.of(), failed, PhaseNanos.NONE);
    }

    /** This tally with further time of tasks. */
    public Tally plus(PhaseNanos more) {
        return new Tally(
                readBytes, nanos, maskedFiles, foreignFiles, unmatchedTensors, names, failed, phases.plus(more));
    }

    /** What was found, without what it cost. */
    Tally withoutCost() {
        return new Tally(0, 0, maskedFiles, foreignFiles, unmatchedTensors, names, failed, PhaseNanos.NONE);
    }

    public Tally merge(Tally other) {
        return new Tally(
                readBytes + other.readBytes,
                nanos + other.nanos,
                maskedFiles + other.maskedFiles,
                foreignFiles + other.foreignFiles,
                unmatchedTensors + other.unmatchedTensors,
                first(names, other.names),
                failed.merge(other.failed),
                phases.plus(other.phases));
    }

    /** The result does not depend on the order; an empty list yields to any other. */
    private static List<String> first(List<String> a, List<String> b) {
        return Stream.of(a, b)
                .filter(names -> !names.isEmpty())
                .min(Comparator.comparing(List::toString))
                .orElse(a);
    }
}
