package io.kvscale.observer.kernel;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Loads vectors from a buffer in place, whatever the JDK.
 *
 * <p>JDK 17 has {@code ByteVector.fromByteBuffer} and no usable memory segments; from 19 on there is only
 * {@code fromMemorySegment}. No one source names both, so the method is found at run time. The handle is a static final
 * constant, which the JIT inlines: loads are as fast as a direct call (measured on 17 and 25).
 */
final class VectorLoads {
    private static final VectorSpecies<Byte> SPECIES = ByteVector.SPECIES_PREFERRED;

    /** ByteBuffer to what {@link #LOAD} reads from: itself, or its memory segment. */
    private static final MethodHandle VIEW;
    /** (view, byte index) to ByteVector. */
    private static final MethodHandle LOAD;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            MethodHandle view;
            MethodHandle load;
            if (Runtime.version().feature() < 19) {
                view = MethodHandles.identity(ByteBuffer.class);
                load = lookup.findStatic(ByteVector.class, "fromByteBuffer", loader(ByteBuffer.class, int.class));
            } else {
                Class<?> segment = Class.forName("java.lang.foreign.MemorySegment");
                view = lookup.findStatic(segment, "ofBuffer", MethodType.methodType(segment, Buffer.class));
                load = lookup.findStatic(ByteVector.class, "fromMemorySegment", loader(segment, long.class));
            }
            VIEW = view.asType(MethodType.methodType(Object.class, ByteBuffer.class));
            LOAD = MethodHandles.insertArguments(
                            MethodHandles.insertArguments(load, 3, ByteOrder.LITTLE_ENDIAN), 0, SPECIES)
                    .asType(MethodType.methodType(ByteVector.class, Object.class, int.class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private VectorLoads() {}

    private static MethodType loader(Class<?> source, Class<?> index) {
        return MethodType.methodType(ByteVector.class, VectorSpecies.class, source, index, ByteOrder.class);
    }

    /** What {@link #load} takes for this buffer: its bytes from index 0 to its limit. */
    static Object view(ByteBuffer data) {
        try {
            return (Object) VIEW.invokeExact(data.duplicate().position(0));
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    /** A vector of the preferred species from the bytes at {@code index}; small, so that it is always inlined. */
    static ByteVector load(Object view, int index) {
        try {
            return (ByteVector) LOAD.invokeExact(view, index);
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    private static RuntimeException unchecked(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return e instanceof RuntimeException runtime ? runtime : new IllegalStateException(e);
    }
}
