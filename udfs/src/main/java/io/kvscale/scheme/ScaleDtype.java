package io.kvscale.scheme;

import io.kvscale.numeric.Dtype;
import java.util.Locale;

/** The {@code scale_dtype} of a scheme: the type that every step of a scale's computation is rounded to. */
public enum ScaleDtype {
    /** f32: more exact, and the type that serving engines read. The default. */
    FLOAT32,
    /** The type of K and V: bit-identical to compressed-tensors. */
    INPUT;

    /** The word that recipes use. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The step type for K or V with this element type. */
    public Dtype over(Dtype data) {
        return this == FLOAT32 ? Dtype.F32 : data;
    }
}
