package io.kvscale.job.bench;

import io.kvscale.capture.CaptureReader;
import io.kvscale.input.TemporaryFolder;
import io.kvscale.observer.kernel.KernelChoice;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** The speed table: every figure from one run, on generated captures in the page cache. */
public final class SpeedBench {
    /** The small files are this part of the whole: opening them costs as much as reading them. */
    private static final int SMALL_PART = 8;

    private final Path parent;
    private final long bytes;
    private final boolean sql;

    /**
     * @param parent where a folder with the captures is made, and deleted in the end
     * @param bytes of the large captures
     * @param sql whether queries are measured too, which takes as much space again and another minute
     */
    public SpeedBench(Path parent, long bytes, boolean sql) {
        this.parent = parent;
        this.bytes = bytes;
        this.sql = sql;
    }

    /** Measures, for about a minute at 2 GiB. Figures by name, rates in GB/s. */
    public Map<String, Object> run() throws Exception {
        // 20 seconds of rounds for 2 GiB; less for less, which is for trying the command only.
        double seconds = Math.min(20, bytes / 1e8);
        CaptureRates.Setting setting = new CaptureRates.Setting(CaptureReader.blockBytes(), seconds);
        CaptureShape shape = CaptureShape.LARGE.within(bytes);
        CaptureRates large;
        Map<String, Double> queries = Map.of();
        try (GeneratedCaptures captures = GeneratedCaptures.write(parent, shape, bytes)) {
            large = CaptureRates.of(captures, setting);
            if (sql) {
                try (TemporaryFolder tables = TemporaryFolder.in(parent, "kvscale-bench-")) {
                    queries = SqlRates.of(captures, tables.path(), seconds).figures();
                }
            }
        }
        CaptureRates small;
        try (GeneratedCaptures captures = GeneratedCaptures.write(parent, CaptureShape.SMALL, bytes / SMALL_PART)) {
            small = CaptureRates.of(captures, setting);
        }
        double update = UpdateRate.measure(shape, seconds / 2);

        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("read_gbps", large.read1());
        figures.put("read_gbps_2", large.read2());
        figures.put("task_gbps_1", large.task1());
        figures.put("task_gbps_2", large.task2());
        figures.put("ratio_1", large.ratio1());
        figures.put("ratio_2", large.ratio2());
        figures.put("histogram_gbps_1", large.histogram1());
        figures.put("histogram_ratio_1", large.histogramRatio1());
        figures.put("update_gbps", update);
        figures.put("small_read_gbps", small.read1());
        figures.put("small_read_gbps_2", small.read2());
        figures.put("small_task_gbps_1", small.task1());
        figures.put("small_task_gbps_2", small.task2());
        figures.put("small_ratio_1", small.ratio1());
        figures.put("small_ratio_2", small.ratio2());
        figures.put("small_histogram_gbps_1", small.histogram1());
        figures.put("small_histogram_ratio_1", small.histogramRatio1());
        figures.putAll(queries);
        figures.put("derive_ms_per_slot", large.derive().one());
        figures.put("derive_ms_per_slot_2", large.derive().two());
        figures.put("histogram_bytes_per_head", large.bytesPerHead());
        figures.put("small_histogram_bytes_per_head", small.bytesPerHead());
        figures.put("histogram_heap_used_mb", Math.max(large.histogramMegabytes(), small.histogramMegabytes()));
        figures.put("heap_used_mb", Math.max(large.heapMegabytes(), small.heapMegabytes()));
        figures.put("size_bytes", bytes);
        figures.put("block_bytes", setting.blockBytes());
        figures.put("java", System.getProperty("java.version"));
        figures.put("cores", Runtime.getRuntime().availableProcessors());
        figures.put("kernel", KernelChoice.inUse());
        return figures;
    }
}
