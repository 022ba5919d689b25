package io.kvscale.job.calibration;

import io.kvscale.task.SampleSlots;
import io.kvscale.tensor.DataProblem;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The samples that break a rule; a commutative monoid.
 *
 * @param samples number of samples that were looked at
 * @param irregular number of samples that break the rule
 * @param first the problems of the first of them, in the order of samples
 * @param failure why a sample could not be looked at; null if all could
 */
record IrregularSamples(
        long samples,
        long irregular,
        ArrayList<DataProblem> first,
        @Nullable DataProblem failure) implements Serializable {
    static final IrregularSamples NONE = new IrregularSamples(0, 0, new ArrayList<>(), null);

    private static final int NAMED = 3;

    /** Decides about one sample. */
    interface Rule extends Serializable {
        /** What is wrong with a sample; null if nothing is. */
        @Nullable
        DataProblem judge(SampleSlots sample);
    }

    IrregularSamples with(SampleSlots sample, Rule rule) {
        DataProblem failed = sample.problem();
        DataProblem found = failed == null ? rule.judge(sample) : null;
        ArrayList<DataProblem> one = new ArrayList<>(found == null ? List.of() : List.of(found));
        return merge(new IrregularSamples(1, one.size(), one, failed));
    }

    IrregularSamples merge(IrregularSamples other) {
        ArrayList<DataProblem> all = new ArrayList<>(first);
        all.addAll(other.first);
        all.sort(Comparator.naturalOrder());
        return new IrregularSamples(
                samples + other.samples,
                irregular + other.irregular,
                new ArrayList<>(all.subList(0, Math.min(NAMED, all.size()))),
                DataProblem.earlier(failure, other.failure));
    }

    boolean isEmpty() {
        return irregular == 0;
    }

    /** How many samples break the rule, and the names of the first ones. */
    String counted() {
        String names = first.stream()
                .map(problem -> problem.sample() == null
                        ? String.valueOf(problem.file())
                        : problem.sample().toString())
                .map(DataProblem::shown)
                .collect(Collectors.joining(", "));
        return irregular + " of " + samples + (samples == 1 ? " sample" : " samples")
                + (irregular == 1 ? "" : ": " + names + (irregular > first.size() ? ", ..." : ""));
    }
}
