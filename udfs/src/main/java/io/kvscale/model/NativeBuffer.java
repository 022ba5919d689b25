package io.kvscale.model;

import io.kvscale.tensor.InvalidDataException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Native memory that grows. It is freed at once, not by the garbage collector: executors are killed when they exceed their
 * memory overhead. Reading a view after the buffer grew or was closed reads freed memory and may end the JVM.
 */
public final class NativeBuffer implements AutoCloseable {
    private static final ByteBuffer NONE = ByteBuffer.allocateDirect(0);
    private static final MethodHandle FREE = free();

    private ByteBuffer memory = NONE;

    /**
     * A view of exactly this many bytes with undefined content. The memory of the last call is reused if it is large
     * enough; otherwise it grows by at least a quarter, so that a past that grows by few tokens seldom reallocates.
     *
     * @throws NativeLimitException if memory is exhausted
     * @throws InvalidDataException for more than 2 GB
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
            throw new InvalidDataException(
                    "out of memory: a tensor of " + bytes + " bytes exceeds the limit of 2 GB",
                    OrtFailure.MEMORY_REMEDY);
        }
        try {
            return ByteBuffer.allocateDirect((int) bytes);
        } catch (OutOfMemoryError e) {
            throw NativeLimitException.memory(
                    "cannot allocate " + bytes + " bytes: " + e.getMessage(), OrtFailure.MEMORY_REMEDY, e);
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

    /** sun.misc.Unsafe.invokeCleaner is the only way to free a direct buffer on JDK 17 and 25 alike. */
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
