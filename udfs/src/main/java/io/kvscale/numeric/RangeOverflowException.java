package io.kvscale.numeric;

/** Thrown if the width of an asymmetric range overflows the type that scales are computed in. */
public final class RangeOverflowException extends ArithmeticException {
    private static final long serialVersionUID = 1L;

    RangeOverflowException(float min, float max, Dtype step) {
        super("max - min = " + max + " - " + min + " overflows " + step);
    }
}
