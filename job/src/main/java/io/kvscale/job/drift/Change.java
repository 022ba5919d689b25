package io.kvscale.job.drift;

import org.jspecify.annotations.Nullable;

/** A measure of the older and of the newer values, such as the greatest |x|; both are finite and at least 0. */
public record Change(float from, float to) {
    /** The newer one relative to the older one, minus 1; null if it grew from 0. */
    public @Nullable Double relative() {
        return from == to ? (Double) 0.0 : from == 0 ? null : (Double) ((double) to / from - 1);
    }
}
