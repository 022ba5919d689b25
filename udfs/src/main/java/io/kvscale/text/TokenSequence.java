package io.kvscale.text;

import java.io.Serializable;

/**
 * The token ids of a sample, at least one.
 *
 * @param stratum the {@link Strata#statistics} of the sample; empty for none
 */
public record TokenSequence(String name, int[] ids, String stratum) implements Serializable {
    /** A sequence without a stratum. */
    public TokenSequence(String name, int[] ids) {
        this(name, ids, "");
    }
}
