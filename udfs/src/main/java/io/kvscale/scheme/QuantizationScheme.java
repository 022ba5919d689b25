package io.kvscale.scheme;

import io.kvscale.numeric.NumberFormat;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * How the K or the V of a layer is quantized: a validated {@code kv_cache_scheme}.
 *
 * @param groupSize channels that share a scale under {@link Strategy#GROUP}, values that share a local one under
 *     {@link Strategy#TENSOR_GROUP}, else 0
 * @param kwargs what the observer was told; what it does not use is at its default
 * @param globalScale what the scale is under {@link Strategy#TENSOR_GROUP}, else null
 */
public record QuantizationScheme(
        NumberFormat format,
        Strategy strategy,
        int groupSize,
        boolean symmetric,
        Observer observer,
        ObserverKwargs kwargs,
        ScaleDtype scaleDtype,
        @Nullable GlobalScale globalScale)
        implements Serializable {

    /** The group size of NVFP4, for there is one. */
    public static final int NVFP4_GROUP_SIZE = 16;

    /** @throws InvalidSchemeException with a remedy, for a pair that no one serves */
    public QuantizationScheme {
        if (!symmetric && !format.supportsAsymmetric()) {
            throw new InvalidSchemeException(
                    "symmetric",
                    format + " has no asymmetric form",
                    format == NumberFormat.FP8_E5M2
                            ? "say symmetric: true, or remove format: e5m2"
                            : "say symmetric: true, or num_bits: 8");
        }
        if (strategy == Strategy.TENSOR_GROUP) {
            groupSize = groupSize == 0 ? NVFP4_GROUP_SIZE : groupSize;
            globalScale = globalScale == null ? GlobalScale.DIVISOR : globalScale;
            checkNvfp4(format, groupSize, observer, scaleDtype);
        } else if (globalScale != null) {
            throw new InvalidSchemeException(
                    "global_scale",
                    "global_scale goes with strategy tensor_group (NVFP4) only, not with " + strategy.word(),
                    "remove it, or say strategy: tensor_group");
        } else if ((strategy == Strategy.GROUP) != (groupSize > 0)) {
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
        if (observer.needsCounts() && (strategy == Strategy.CHANNEL || strategy == Strategy.GROUP)) {
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

    private static void checkNvfp4(NumberFormat format, int groupSize, Observer observer, ScaleDtype scaleDtype) {
        if (format != NumberFormat.FP4_E2M1) {
            throw new InvalidSchemeException(
                    "strategy",
                    "strategy tensor_group is NVFP4, which has fp4 codes, not " + format,
                    "say num_bits: 4, type: float, or strategy: tensor");
        }
        if (groupSize != NVFP4_GROUP_SIZE) {
            throw new InvalidSchemeException(
                    "group_size",
                    "strategy tensor_group is NVFP4, in groups of 16, not of " + groupSize,
                    "say group_size: 16, or remove it");
        }
        if (observer == Observer.MSE || observer == Observer.ENTROPY) {
            throw new InvalidSchemeException(
                    "observer",
                    "observer " + observer.word()
                            + " gives no global scale of NVFP4: what it looks at does not show the" + " local scales",
                    "say observer: static_minmax, or percentile");
        }
        if (scaleDtype != ScaleDtype.FLOAT32) {
            throw new InvalidSchemeException(
                    "scale_dtype",
                    "the global scale of NVFP4 is computed in float32, not in the type of K and V",
                    "say scale_dtype: float32, or remove it");
        }
    }

    /** A scheme with the usual convention where it is NVFP4. */
    public QuantizationScheme(
            NumberFormat format,
            Strategy strategy,
            int groupSize,
            boolean symmetric,
            Observer observer,
            ObserverKwargs kwargs,
            ScaleDtype scaleDtype) {
        this(format, strategy, groupSize, symmetric, observer, kwargs, scaleDtype, null);
    }

    /** fp8 e4m3, symmetric, one scale a tensor: what vLLM's {@code fp8} cache expects. */
    public static QuantizationScheme fp8() {
        return of(NumberFormat.FP8_E4M3, Strategy.TENSOR);
    }

    /** NVFP4 of that convention, with every default. */
    public static QuantizationScheme nvfp4(GlobalScale globalScale) {
        return new QuantizationScheme(
                NumberFormat.FP4_E2M1,
                Strategy.TENSOR_GROUP,
                NVFP4_GROUP_SIZE,
                true,
                Observer.STATIC_MINMAX,
                ObserverKwargs.DEFAULT,
                ScaleDtype.FLOAT32,
                globalScale);
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
