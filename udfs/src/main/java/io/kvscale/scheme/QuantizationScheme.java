package io.kvscale.scheme;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.tensor.Geometry;
import java.io.Serializable;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How the K or the V of a layer is quantized: a validated {@code kv_cache_scheme}.
 *
 * @param groupSize channels that share a scale under {@link Strategy#GROUP}, values that share a local scale under
 *     {@link Strategy#TENSOR_GROUP}, else 0
 * @param globalScale the convention of the global scale under {@link Strategy#TENSOR_GROUP}, else null
 */
public record QuantizationScheme(
        NumberFormat format,
        Strategy strategy,
        int groupSize,
        boolean symmetric,
        Observer observer,
        ScaleDtype scaleDtype,
        @Nullable GlobalScale globalScale)
        implements Serializable {

    /** The only group size of NVFP4. */
    public static final int NVFP4_GROUP_SIZE = 16;

    /** @throws InvalidSchemeException for an unsupported combination, with a remedy */
    public QuantizationScheme {
        if (!symmetric && !format.supportsAsymmetric()) {
            throw new InvalidSchemeException(
                    "symmetric",
                    format.word() + " has no asymmetric form",
                    "say symmetric: true, or take a format that has one: "
                            + Arrays.stream(NumberFormat.values())
                                    .filter(NumberFormat::supportsAsymmetric)
                                    .map(NumberFormat::word)
                                    .collect(Collectors.joining(", ")));
        }
        if (strategy == Strategy.TENSOR_GROUP) {
            groupSize = groupSize == 0 ? NVFP4_GROUP_SIZE : groupSize;
            globalScale = globalScale == null ? GlobalScale.byDefault() : globalScale;
            checkNvfp4(format, groupSize, scaleDtype);
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
                            "say how many channels share a scale: a divisor of head_dim, such as group_size: 32")
                    : new InvalidSchemeException(
                            "group_size",
                            "group_size goes with strategy group only, not with " + strategy.word(),
                            "remove it, or say strategy: group");
        }
        if (observer.needsHistograms() && (strategy == Strategy.CHANNEL || strategy == Strategy.GROUP)) {
            throw new InvalidSchemeException(
                    "observer",
                    "observer " + observer.word() + " does not support strategy " + strategy.word()
                            + ": values are counted by head",
                    "say strategy: attn_head or tensor, or observer: static_minmax");
        }
        observer.check(format, strategy);
    }

    private static void checkNvfp4(NumberFormat format, int groupSize, ScaleDtype scaleDtype) {
        if (format != NumberFormat.FP4_E2M1) {
            throw new InvalidSchemeException(
                    "strategy",
                    "strategy tensor_group is NVFP4, which has fp4 codes, not " + format.word(),
                    "say num_bits: 4, type: float, or strategy: tensor");
        }
        if (groupSize != NVFP4_GROUP_SIZE) {
            throw new InvalidSchemeException(
                    "group_size",
                    "strategy tensor_group is NVFP4, in groups of 16, not of " + groupSize,
                    "say group_size: 16, or remove it");
        }
        if (scaleDtype != ScaleDtype.FLOAT32) {
            throw new InvalidSchemeException(
                    "scale_dtype",
                    "the global scale of NVFP4 is computed in float32, not in the type of K and V",
                    "say scale_dtype: float32, or remove it");
        }
    }

    /** A scheme with the default convention if it is NVFP4. */
    public QuantizationScheme(
            NumberFormat format,
            Strategy strategy,
            int groupSize,
            boolean symmetric,
            Observer observer,
            ScaleDtype scaleDtype) {
        this(format, strategy, groupSize, symmetric, observer, scaleDtype, null);
    }

    /** fp8 e4m3, symmetric, one scale per tensor: what vLLM's {@code fp8} cache expects. */
    public static QuantizationScheme fp8() {
        return of(NumberFormat.FP8_E4M3, Strategy.TENSOR);
    }

    /** NVFP4 with this convention and all defaults. */
    public static QuantizationScheme nvfp4(GlobalScale globalScale) {
        return new QuantizationScheme(
                NumberFormat.FP4_E2M1,
                Strategy.TENSOR_GROUP,
                NVFP4_GROUP_SIZE,
                true,
                Observers.byDefault(),
                ScaleDtype.FLOAT32,
                globalScale);
    }

    /** The symmetric scheme with this format and strategy and all defaults; not for {@link Strategy#GROUP}. */
    public static QuantizationScheme of(NumberFormat format, Strategy strategy) {
        return of(format, strategy, true, Observers.byDefault());
    }

    /** A scheme with scales in f32; not for {@link Strategy#GROUP}. */
    public static QuantizationScheme of(NumberFormat format, Strategy strategy, boolean symmetric, Observer observer) {
        return new QuantizationScheme(format, strategy, 0, symmetric, observer, ScaleDtype.FLOAT32);
    }

    /** This scheme with the default observer, whose range is that of all values. */
    public QuantizationScheme withDefaultObserver() {
        return with(Observers.byDefault());
    }

    /**
     * This scheme with another observer.
     *
     * @throws InvalidSchemeException if the observer does not suit it
     */
    public QuantizationScheme with(Observer other) {
        return new QuantizationScheme(format, strategy, groupSize, symmetric, other, scaleDtype, globalScale);
    }

    /** This NVFP4 scheme with another convention. */
    public QuantizationScheme withGlobalScale(GlobalScale convention) {
        return new QuantizationScheme(format, strategy, groupSize, symmetric, observer, scaleDtype, convention);
    }

    /** How many neighbouring channels (of heads x head_dim, row-major) share one scale. */
    public int channelsPerScale(Geometry geometry) {
        return strategy.channelsPerScale(geometry, groupSize);
    }

    /** The type that every step of the arithmetic is rounded to, for K or V of this geometry. */
    public Dtype step(Geometry geometry) {
        return scaleDtype.over(geometry.dtype());
    }
}
