package io.kvscale.job.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * The most heap in use during some calls: the sum of the pools' own peaks, hence never too low. Garbage counts until it
 * is collected, and so does whatever else the JVM holds.
 */
final class HeapPeak {
    private static final double MEGA = 1e6;

    private final List<MemoryPoolMXBean> pools = ManagementFactory.getMemoryPoolMXBeans().stream()
            .filter(pool -> pool.getType() == MemoryType.HEAP)
            .toList();
    private long bytes;

    <T> T during(Callable<T> call) throws Exception {
        pools.forEach(MemoryPoolMXBean::resetPeakUsage);
        T result = call.call();
        bytes = Math.max(
                bytes, pools.stream().mapToLong(p -> p.getPeakUsage().getUsed()).sum());
        return result;
    }

    double megabytes() {
        return bytes / MEGA;
    }
}
