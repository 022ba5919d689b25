package io.kvscale.scheme;

import io.kvscale.numeric.NumberFormat;
import java.io.Serializable;

/**
 * How the K or the V of a layer is quantized: a validated {@code kv_cache_scheme}.
 *
 * @param groupSize channels that share a scale under {@link Strategy#GROUP}, else 0
 * @param averagingConstant {@code observer_kwargs.averaging_constant}, used by {@link Observer#MINMAX}; the
 *     default, 0.01, under any other observer
 */
public record QuantizationScheme(
        NumberFormat format,
        Strategy strategy,
        int groupSize,
        boolean symmetric,
        Observer observer,
        double averagingConstant,
        ScaleDtype scaleDtype)
        implements Serializable {

    public static final double DEFAULT_AVERAGING_CONSTANT = 0.01;

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
        if (!(averagingConstant > 0 && averagingConstant <= 1)) {
            throw new InvalidSchemeException(
                    "observer_kwargs.averaging_constant",
                    "averaging_constant " + averagingConstant + " is not within (0, 1]",
                    "give a number above 0, at most 1");
        }
        if (observer != Observer.MINMAX) {
            averagingConstant = DEFAULT_AVERAGING_CONSTANT;
        }
    }

    /** fp8 e4m3, symmetric, one scale a tensor: what vLLM's {@code fp8} cache expects. */
    public static QuantizationScheme fp8() {
        return of(NumberFormat.FP8_E4M3, Strategy.TENSOR);
    }

    /** The symmetric scheme of that format and strategy with every default; not for {@link Strategy#GROUP}. */
    public static QuantizationScheme of(NumberFormat format, Strategy strategy) {
        return new QuantizationScheme(
                format, strategy, 0, true, Observer.STATIC_MINMAX, DEFAULT_AVERAGING_CONSTANT, ScaleDtype.FLOAT32);
    }
}
