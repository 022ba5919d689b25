package io.kvscale.evaluation;

import java.io.Serializable;
import java.math.BigDecimal;

/**
 * A sum of doubles without rounding: a commutative monoid, so that its value does not depend on the order of additions. A
 * double has at most 767 significant decimal digits, and so the sum at most a few bytes more than its widest summand.
 */
record ExactSum(BigDecimal sum) implements Serializable {
    static final ExactSum ZERO = new ExactSum(BigDecimal.ZERO);

    /** @throws NumberFormatException if the number is NaN or infinite */
    static ExactSum of(double number) {
        return new ExactSum(new BigDecimal(number));
    }

    ExactSum plus(ExactSum other) {
        return new ExactSum(sum.add(other.sum));
    }

    /** The double nearest to the sum; infinite beyond the greatest double. */
    double value() {
        return sum.doubleValue();
    }
}
