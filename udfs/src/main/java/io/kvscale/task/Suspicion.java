package io.kvscale.task;

import java.io.Serializable;

/**
 * What single values of a corpus say against it. A commutative monoid. {@link SampleSurvey} looks closer.
 *
 * @param zeroEnds whether the first or the last token of a tensor may be zero
 * @param equalEnds whether V of layer 0 may begin or end with equal tokens
 */
public record Suspicion(boolean zeroEnds, boolean equalEnds) implements Serializable {
    static final Suspicion NONE = new Suspicion(false, false);

    Suspicion merge(Suspicion other) {
        return new Suspicion(zeroEnds || other.zeroEnds, equalEnds || other.equalEnds);
    }
}
