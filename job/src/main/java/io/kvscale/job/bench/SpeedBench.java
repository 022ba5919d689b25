package io.kvscale.job.bench;

import io.kvscale.capture.CaptureReader;
import io.kvscale.input.TemporaryFolder;
import io.kvscale.observer.kernel.KernelChoice;
import io.kvscale.observer.kernel.VectorWidth;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The speed table, measured in one run on generated captures in the page cache. */
public final class SpeedBench {
    /** The small files have 1/8 of the bytes of the large ones, because opening them takes as long as reading them. */
    private static final int SMALL_PART = 8;

    private final Path parent;
    private final long bytes;
    private final boolean sql;
    private final @Nullable Class<?> command;

    /**
     * @param parent folder for a temporary folder of captures
     * @param bytes total size of the large captures
     * @param sql whether to measure SQL too, which needs twice the space and another minute
     * @param command the main class, to measure the whole command too, which needs eight times the space and some minutes;
     *     null not to
     */
    public SpeedBench(Path parent, long bytes, boolean sql, @Nullable Class<?> command) {
        this.parent = parent;
        this.bytes = bytes;
        this.sql = sql;
        this.command = command;
    }

    /** Measures for about a minute at 2 GiB. Returns figures by name; rates are in GB/s. */
    public Map<String, Object> run() throws Exception {
        // 20 seconds of rounds for 2 GiB. Smaller sizes only try the command.
        double seconds = Math.min(20, bytes / 1e8);
        CaptureShape shape = CaptureShape.LARGE.within(bytes);
        CaptureRates large;
        Map<String, Double> queries = Map.of();
        try (GeneratedCaptures captures = GeneratedCaptures.write(parent, shape, bytes)) {
            large = CaptureRates.measure(captures, shape, "", seconds);
            if (sql) {
                try (TemporaryFolder tables = TemporaryFolder.in(parent, "kvscale-bench-")) {
                    queries = SqlRates.measure(captures, tables.path(), seconds);
                }
            }
        }
        CaptureRates small;
        try (GeneratedCaptures captures = GeneratedCaptures.write(parent, CaptureShape.SMALL, bytes / SMALL_PART)) {
            small = CaptureRates.measure(captures, CaptureShape.SMALL, "small_", seconds);
        }
        Map<String, Object> figures = new LinkedHashMap<>(large.figures());
        figures.putAll(CacheRates.measure(shape, seconds / 2));
        figures.putAll(small.figures());
        figures.putAll(queries);
        figures.put("derive_ms_per_slot", large.derive().one());
        figures.put("derive_ms_per_slot_2", large.derive().two());
        figures.put("histogram_bytes_per_head", large.bytesPerHead());
        figures.put("small_histogram_bytes_per_head", small.bytesPerHead());
        figures.put("histogram_heap_used_mb", Math.max(large.histogramMegabytes(), small.histogramMegabytes()));
        figures.put("heap_used_mb", Math.max(large.heapMegabytes(), small.heapMegabytes()));
        if (command != null) {
            figures.putAll(CommandTimes.measure(command, parent, bytes));
        }
        figures.put("size_bytes", bytes);
        figures.put("block_bytes", CaptureReader.blockBytes());
        figures.put("java", System.getProperty("java.version"));
        figures.put("cores", Runtime.getRuntime().availableProcessors());
        figures.put("kernel", KernelChoice.inUse());
        if (KernelChoice.inUse().equals("vector")) {
            figures.put("cpu_vector_bits", VectorWidth.cpuBits());
            figures.put("vector_bits", VectorWidth.bits());
        }
        return figures;
    }
}
