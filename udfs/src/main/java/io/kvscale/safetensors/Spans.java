package io.kvscale.safetensors;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * The pieces of the data section that tensors claim: together they must cover it once, without overlap or hole.
 *
 * <p>Begins and ends are sorted apart, as primitives. That loses which end belongs to which begin, and needs it not: when
 * every piece has a positive length and each end but the last equals the next begin, only one pairing is left, the one
 * that tiles.
 */
final class Spans {
    /** Names are remembered for messages while they take no more than about this many characters. */
    private static final int NAME_BUDGET = 1 << 20;

    private final Longs begins = new Longs();
    private final Longs ends = new Longs();
    private final Longs empties = new Longs();
    private final List<Named> named = new ArrayList<>();
    private int nameBudget = NAME_BUDGET;

    /** Takes a tensor's piece; offsets count from the start of the data, {@code 0 <= begin <= end}. */
    void add(String name, long begin, long end) {
        if (begin == end) {
            empties.add(begin);
        } else {
            begins.add(begin);
            ends.add(end);
        }
        nameBudget -= name.length() + 64;
        if (nameBudget >= 0) {
            named.add(new Named(name, begin, end));
        }
    }

    /**
     * Checks that the pieces cover {@code 0 .. dataLength} once.
     *
     * @throws InvalidDataException naming the first byte where they do not and, if it is still known, a tensor there
     */
    void check(long dataLength) {
        long[] begin = begins.sorted();
        long[] end = ends.sorted();
        long covered = 0;
        for (int i = 0; i < begin.length; i++) {
            if (begin[i] > covered) {
                throw hole(covered, begin[i]);
            }
            if (begin[i] < covered) {
                throw overlap(begin[i]);
            }
            covered = end[i];
        }
        if (covered < dataLength) {
            throw hole(covered, dataLength);
        }
        for (long at : empties.sorted()) {
            // An empty tensor has no bytes to overlap with; like the format's own library, let it lie at a seam only.
            if (at != dataLength && Arrays.binarySearch(begin, at) < 0) {
                throw overlap(at);
            }
        }
    }

    private InvalidDataException hole(long from, long to) {
        DataProblem problem = DataProblem.of(
                "expected tensors to cover the data without a hole, got bytes " + from + " to " + to
                        + " of the data that belong to no tensor",
                "write the file again with a safetensors library; bytes after the last tensor are not allowed either");
        return refusal(problem, named.stream().filter(n -> n.end == from || n.begin == to));
    }

    private InvalidDataException overlap(long at) {
        DataProblem problem = DataProblem.of(
                "expected tensors that do not overlap, got two that claim byte " + at + " of the data",
                "write the file again with a safetensors library; tensors that share memory are to be copied first");
        return refusal(problem, named.stream().filter(n -> n.begin == at));
    }

    private static InvalidDataException refusal(DataProblem problem, Stream<Named> at) {
        return new InvalidDataException(
                at.findFirst().map(n -> problem.inTensor(n.name)).orElse(problem));
    }

    private record Named(String name, long begin, long end) {}

    /** A growing array of longs. */
    private static final class Longs {
        private long[] values = new long[64];
        private int size;

        void add(long value) {
            if (size == values.length) {
                values = Arrays.copyOf(values, size + (size >> 1));
            }
            values[size++] = value;
        }

        /** The values in order; adding ends here. */
        long[] sorted() {
            long[] all = Arrays.copyOf(values, size);
            values = all;
            Arrays.sort(all);
            return all;
        }
    }
}
