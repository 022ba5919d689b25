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
 * Loads vectors from a buffer, on any JDK from 17 on.
 *
 * <p>JDK 17 has {@code ByteVector.fromByteBuffer}; JDK 19 replaced it by {@code fromMemorySegment}. No source compiles
 * against both, so the method is looked up at run time. The handle is a static final constant, which the JIT inlines:
 * loads are as fast as a direct call (measured on 17 and 25).
 *
 * <p>On JDK 17 every load from a buffer reads and checks the fields of the buffer again, 13 instructions. So vectors of 128
 * or 256 bits, which need many loads, are loaded from an array, into which the values are copied first.
 *
 * <p>From JDK 19 on, memory segments of arrays and of native memory are different classes. Once the JIT has seen both, every
 * load checks which one it has: arrays are then folded at 40 % of their speed, native memory too. So values on the heap are
 * copied into native memory.
 */
final class VectorLoads {
    private static final VectorSpecies<Byte> SPECIES = VectorWidth.species(byte.class);

    private static final int STEP = SPECIES.vectorByteSize();

    private static final boolean IS_17 = Runtime.version().feature() < 19;

    /** Whether the view is the {@code byte[]} of a buffer. */
    private static final boolean FROM_ARRAY = IS_17 && VectorWidth.bits() < 512;

    /** Maps a ByteBuffer to the argument of {@link #LOAD}: itself, its memory segment, or its array. */
    private static final MethodHandle VIEW;
    /** Maps (view, byte index) to a ByteVector. */
    private static final MethodHandle LOAD;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            MethodHandle view;
            MethodHandle load;
            if (FROM_ARRAY) {
                view = lookup.findVirtual(ByteBuffer.class, "array", MethodType.methodType(byte[].class));
                load = lookup.findStatic(
                        ByteVector.class,
                        "fromArray",
                        MethodType.methodType(ByteVector.class, VectorSpecies.class, byte[].class, int.class));
            } else if (IS_17) {
                view = MethodHandles.identity(ByteBuffer.class);
                load = lookup.findStatic(ByteVector.class, "fromByteBuffer", loader(ByteBuffer.class, int.class));
            } else {
                Class<?> segment = Class.forName("java.lang.foreign.MemorySegment");
                view = lookup.findStatic(segment, "ofBuffer", MethodType.methodType(segment, Buffer.class));
                load = lookup.findStatic(ByteVector.class, "fromMemorySegment", loader(segment, long.class));
            }
            VIEW = view.asType(MethodType.methodType(Object.class, ByteBuffer.class));
            MethodHandle ordered = FROM_ARRAY ? load : MethodHandles.insertArguments(load, 3, ByteOrder.LITTLE_ENDIAN);
            LOAD = MethodHandles.insertArguments(ordered, 0, SPECIES)
                    .asType(MethodType.methodType(ByteVector.class, Object.class, int.class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private VectorLoads() {}

    /** Whether {@link #view} takes the buffer; else its values must be copied into one of {@link #allocate}. */
    static boolean isLoadable(ByteBuffer data) {
        return !FROM_ARRAY && (IS_17 || data.isDirect());
    }

    /** A buffer from which vectors are loaded fast. */
    static ByteBuffer allocate(int bytes) {
        if (IS_17) {
            return ByteBuffer.allocate(bytes);
        }
        // An aligned slice also ends at a multiple.
        return ByteBuffer.allocateDirect(bytes + 2 * STEP).alignedSlice(STEP).slice(0, bytes);
    }

    private static MethodType loader(Class<?> source, Class<?> index) {
        return MethodType.methodType(ByteVector.class, VectorSpecies.class, source, index, ByteOrder.class);
    }

    /**
     * The view for {@link #load}: the bytes of the buffer from index 0 to its limit. With {@link #FROM_ARRAY} only for a
     * buffer that is a whole array.
     */
    static Object view(ByteBuffer data) {
        try {
            return (Object) VIEW.invokeExact(data.duplicate().position(0));
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    /** Loads a vector of the preferred species at a byte index. Kept small, so that it is always inlined. */
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
