package io.kvscale.observer.kernel;

import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/** The shape of vectors that all kernels use. Linking this class needs the Vector API. */
public final class VectorWidth {
    /** The system property that forces a width: 128, 256 or 512, at most what the CPU has. 128 stands for NEON. */
    public static final String PROPERTY = "kvscale.vector.bits";

    /** The widest shape of this CPU, or the forced one. */
    public static final VectorShape SHAPE = shape(System.getProperty(PROPERTY));

    private VectorWidth() {}

    public static <E> VectorSpecies<E> species(Class<E> element) {
        return VectorSpecies.of(element, SHAPE);
    }

    /** Bits of the widest vectors of this CPU. */
    public static int cpuBits() {
        return VectorShape.preferredShape().vectorBitSize();
    }

    /** Bits of the vectors in use. */
    public static int bits() {
        return SHAPE.vectorBitSize();
    }

    static VectorShape shape(@Nullable String forced) {
        if (forced == null) {
            return VectorShape.preferredShape();
        }
        if (!forced.matches("128|256|512") || Integer.parseInt(forced) > cpuBits()) {
            throw new IllegalArgumentException(
                    PROPERTY + " must be 128, 256 or 512 and at most " + cpuBits() + " on this CPU, got " + forced);
        }
        return VectorShape.forBitSize(Integer.parseInt(forced));
    }
}
