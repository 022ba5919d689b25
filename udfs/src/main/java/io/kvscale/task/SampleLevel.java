package io.kvscale.task;

import io.kvscale.tensor.KvSource;

/**
 * The level of a sample: the number of leading zeros of the hash of its name. A half of all samples is at level 0, a quarter
 * at level 1, and so on. So the samples from a level on are a part of the corpus that does not depend on how it is split or
 * where it lies, and each level below doubles it.
 */
final class SampleLevel {
    /** A part of about one in 4,096 samples. */
    private static final int RAREST = 12;

    private SampleLevel() {}

    /** The level of all samples of a tensor, from 0 to 12. Samples without a name have that of their file. */
    static int of(KvSource source) {
        String sample = source.sample();
        long hash = SampleHash.ofName(sample == null ? source.file() : sample);
        return Math.min(RAREST, Long.numberOfLeadingZeros(hash));
    }
}
