package io.kvscale.task;

import java.io.Serializable;

/**
 * Time that tasks spent in some of their work, added up over tasks that run at the same time; a commutative monoid.
 *
 * @param model opening the model, or waiting for another task of the process that opens it
 * @param forward running the model
 * @param merge merging states of other tasks
 */
public record PhaseNanos(long model, long forward, long merge) implements Serializable {
    public static final PhaseNanos NONE = new PhaseNanos(0, 0, 0);

    public PhaseNanos plus(PhaseNanos other) {
        return new PhaseNanos(model + other.model, forward + other.forward, merge + other.merge);
    }
}
