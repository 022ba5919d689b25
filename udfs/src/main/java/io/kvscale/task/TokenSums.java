package io.kvscale.task;

import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * For each slot the sum of {@code tokens * hash(sample)} over all samples, modulo 2^64. Two slots have the same sum if every
 * sample has as many tokens in one as in the other, into however many tensors it is cut. Total counts do not show that: a
 * sample with 10 tokens too few and one with 10 too many compensate each other. A commutative monoid under {@link #merge}.
 */
public final class TokenSums implements Serializable {
    private static final long serialVersionUID = 1L;

    private final TreeMap<Slot, Long> sums = new TreeMap<>();
    /** The last sample with its hash, because the tensors of a sample come one after another. */
    private transient @Nullable Sample last;

    private transient long lastHash = hash("");

    /** Adds the samples of a whole tensor. */
    void add(Slot slot, KvSource source) {
        for (int row = 0; row < source.batch(); row++) {
            sums.merge(slot, source.realTokens(row) * hash(source.origin(row).sample()), Long::sum);
        }
    }

    private long hash(@Nullable Sample sample) {
        if (!Objects.equals(sample, last)) {
            last = sample;
            lastHash = hash(sample == null ? "" : sample.toString());
        }
        return lastHash;
    }

    /** Odd, so that no number of tokens times it is 0. */
    private static long hash(String name) {
        return SampleHash.ofName(name) | 1;
    }

    void merge(TokenSums other) {
        other.sums.forEach((slot, sum) -> sums.merge(slot, sum, Long::sum));
    }

    /** @param groups slots of the same group must hold the same tokens of each sample; slots without a group do not count */
    public boolean differ(Map<Slot, Integer> groups) {
        Map<Integer, Long> seen = new TreeMap<>();
        return groups.entrySet().stream().anyMatch(entry -> {
            long sum = sums.getOrDefault(entry.getKey(), 0L);
            Long first = seen.putIfAbsent(entry.getValue(), sum);
            return first != null && first != sum;
        });
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TokenSums that && sums.equals(that.sums);
    }

    @Override
    public int hashCode() {
        return sums.hashCode();
    }
}
