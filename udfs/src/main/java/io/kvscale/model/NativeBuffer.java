package io.kvscale.model;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Native memory that grows, and is given back at once rather than when the collector comes to it: executors are killed
 * for native memory that lingers. Whoever reads a view of it after it grew or was closed reads memory that is not there.
 */
public final class NativeBuffer implements AutoCloseable {
    private static final ByteBuffer NONE = ByteBuffer.allocateDirect(0);
    private static final MethodHandle FREE = free();

    private ByteBuffer memory = NONE;

    /**
     * Memory of exactly that many bytes, the same as before where it suffices. What it holds is undefined. It grows by a
     * quarter at least, so that a past that grows by few tokens seldom moves.
     *
     * @throws InvalidDataException if there is no more, as {@link NativeMemoryException}, or it is above 2 GB
     */
    public ByteBuffer take(long bytes) {
        if (bytes > memory.capacity()) {
            long size = Math.max(bytes, Math.min(Integer.MAX_VALUE, memory.capacity() * 5L / 4));
            close();
            memory = allocate(size);
        }
        return memory.slice(0, (int) bytes).order(ByteOrder.nativeOrder());
    }

    private static ByteBuffer allocate(long bytes) {
        if (bytes > Integer.MAX_VALUE) {
            throw new InvalidDataException(DataProblem.of(
                    "out of memory: one tensor of " + bytes + " bytes is above 2 GB", OrtFailure.MEMORY_REMEDY));
        }
        try {
            return ByteBuffer.allocateDirect((int) bytes);
        } catch (OutOfMemoryError e) {
            throw new NativeMemoryException("no memory for another " + bytes + " bytes: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        if (memory.capacity() == 0) {
            return;
        }
        ByteBuffer old = memory;
        memory = NONE;
        try {
            FREE.invokeExact(old);
        } catch (Throwable e) {
            throw new IllegalStateException("cannot free native memory", e);
        }
    }

    /** sun.misc.Unsafe.invokeCleaner: the one way to free a direct buffer that JDK 17 and 25 both have. */
    private static MethodHandle free() {
        try {
            Class<?> type = Class.forName("sun.misc.Unsafe");
            Field field = type.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            return MethodHandles.lookup()
                    .findVirtual(type, "invokeCleaner", MethodType.methodType(void.class, ByteBuffer.class))
                    .bindTo(field.get(null));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
