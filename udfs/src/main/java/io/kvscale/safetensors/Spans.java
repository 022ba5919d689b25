package io.kvscale.safetensors;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The byte ranges that tensors claim in the data section: together they must cover it without overlap or hole. */
final class Spans {
    private final List<Span> spans = new ArrayList<>();

    private record Span(String name, long begin, long end) {}

    /** Adds a tensor's range; offsets count from the start of the data, {@code 0 <= begin <= end}. */
    void add(String name, long begin, long end) {
        spans.add(new Span(name, begin, end));
    }

    /**
     * Checks that the ranges cover {@code 0 .. dataLength} exactly once. An empty tensor may lie only between two others
     * or at an end, as in the format's own library.
     *
     * @throws InvalidDataException if they do not; it names the first byte concerned and a tensor there
     */
    void check(long dataLength) {
        spans.sort(Comparator.comparingLong(Span::begin).thenComparingLong(Span::end));
        long covered = 0;
        @Nullable Span last = null;
        for (Span span : spans) {
            if (span.begin > covered) {
                throw hole(covered, span.begin, last == null ? span : last);
            }
            if (span.begin < covered) {
                throw refusal(
                        "expected tensors that do not overlap, got two that claim byte " + span.begin + " of the data",
                        "write the file again with a safetensors library; copy tensors that share memory first",
                        last != null && last.begin == span.begin ? last : span);
            }
            covered = span.end;
            last = span;
        }
        if (covered < dataLength) {
            throw hole(covered, dataLength, last);
        }
    }

    private static InvalidDataException hole(long from, long to, @Nullable Span at) {
        return refusal(
                "expected tensors that cover the data without a hole, got bytes " + from + " to " + to
                        + " of the data that belong to no tensor",
                "write the file again with a safetensors library; bytes after the last tensor are not allowed either",
                at);
    }

    private static InvalidDataException refusal(String what, String remedy, @Nullable Span at) {
        DataProblem problem = DataProblem.of(what, remedy);
        return new InvalidDataException(at == null ? problem : problem.inTensor(at.name));
    }
}
