package io.kvscale.scheme;

import io.kvscale.numeric.Dtype;
import java.util.Locale;

/** The type in which scales are computed. */
public enum ScaleDtype {
    /** Every step in f32: the better scale, and what serving engines read. The default. */
    FLOAT32,
    /** Every step rounded to the type of K and V: bit parity with the reference. */
    INPUT;

    /** The word that recipes use. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The type of the steps for K or V of this element type. */
    public Dtype over(Dtype data) {
        return this == FLOAT32 ? Dtype.F32 : data;
    }
}
