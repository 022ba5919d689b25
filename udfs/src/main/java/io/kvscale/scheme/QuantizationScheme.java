package io.kvscale.scheme;

import io.kvscale.numeric.NumberFormat;
import java.io.Serializable;

/**
 * How the K or the V of a layer is quantized: a validated {@code kv_cache_scheme}.
 *
 * @param groupSize channels that share a scale under {@link Strategy#GROUP}, else 0
 * @param kwargs what the observer was told; what it does not use is at its default
 */
public record QuantizationScheme(
        NumberFormat format,
        Strategy strategy,
        int groupSize,
        boolean symmetric,
        Observer observer,
        ObserverKwargs kwargs,
        ScaleDtype scaleDtype)
        implements Serializable {

    /** @throws InvalidSchemeException with a remedy, for a pair that no one serves */
    public QuantizationScheme {
        if (!symmetric && !format.supportsAsymmetric()) {
            throw new InvalidSchemeException(
                    "symmetric", format + " has no asymmetric form", "say symmetric: true, or num_bits: 8");
        }
        if ((strategy == Strategy.GROUP) != (groupSize > 0)) {
            throw strategy == Strategy.GROUP
                    ? new InvalidSchemeException(
                            "group_size",
                            "strategy group needs a group_size",
                            "say how many channels share a scale: a divisor of head_dim, as group_size: 32")
                    : new InvalidSchemeException(
                            "group_size",
                            "group_size goes with strategy group only, not with " + strategy.word(),
                            "remove it, or say strategy: group");
        }
        if (observer.needsCounts() && !strategy.isByHeads()) {
            throw new InvalidSchemeException(
                    "observer",
                    "observer " + observer.word() + " gives no scales by " + strategy.word()
                            + ": values are counted by head",
                    "say strategy: attn_head or tensor, or observer: static_minmax");
        }
        if (observer == Observer.ENTROPY && !format.isInteger()) {
            throw new InvalidSchemeException(
                    "observer",
                    "observer entropy is for int8 and int4, not for " + format,
                    "say type: int, or observer: mse");
        }
        kwargs = kwargs.usedBy(observer);
    }

    /** fp8 e4m3, symmetric, one scale a tensor: what vLLM's {@code fp8} cache expects. */
    public static QuantizationScheme fp8() {
        return of(NumberFormat.FP8_E4M3, Strategy.TENSOR);
    }

    /** The symmetric scheme of that format and strategy with every default; not for {@link Strategy#GROUP}. */
    public static QuantizationScheme of(NumberFormat format, Strategy strategy) {
        return of(format, strategy, true, Observer.STATIC_MINMAX, ObserverKwargs.DEFAULT);
    }

    /** A scheme with scales in f32; not for {@link Strategy#GROUP}. */
    public static QuantizationScheme of(
            NumberFormat format, Strategy strategy, boolean symmetric, Observer observer, ObserverKwargs kwargs) {
        return new QuantizationScheme(format, strategy, 0, symmetric, observer, kwargs, ScaleDtype.FLOAT32);
    }
}
