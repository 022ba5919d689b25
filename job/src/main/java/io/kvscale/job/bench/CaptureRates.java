package io.kvscale.job.bench;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.Split;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.KeyPairs;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.task.CalibrationTask;
import io.kvscale.task.TaskState;
import io.kvscale.tensor.RotaryPairs;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import org.apache.hadoop.conf.Configuration;

/**
 * Rates of reading and of calibration tasks over the same files in the page cache.
 *
 * @param figures rates in GB/s and ratios by name; the read limit is the faster of an aligned direct buffer and a
 *     {@code byte[]}; names with {@code 2} are for two threads with half of the files each; {@code fold} reads
 *     and folds and does nothing else; the bound of histograms is the
 *     rate of a task followed by nothing but counting
 * @param heapMegabytes peak heap of a task that observes ranges, uncollected garbage included
 * @param histogramMegabytes peak heap of a task that counts values and serializes its statistics
 * @param bytesPerHead serialized size of histograms per head of K or V
 * @param derive time to derive scales from these histograms
 */
record CaptureRates(
        Map<String, Object> figures,
        double heapMegabytes,
        double histogramMegabytes,
        double bytesPerHead,
        DeriveTime derive) {

    /**
     * @param shape of the captures
     * @param prefix of the names of figures
     * @param seconds of all rounds together
     */
    static CaptureRates measure(GeneratedCaptures captures, CaptureShape shape, String prefix, double seconds)
            throws Exception {
        Configuration hadoop = new Configuration();
        CaptureListing listing = CaptureListing.of(List.of(captures.folder().toString()), hadoop);
        HeapPeak heap = new HeapPeak();
        HeapPeak histogramHeap = new HeapPeak();
        Split whole = Split.plan(listing.files(), 1).get(0);
        CalibrationStatistics counted =
                task(whole, StatisticsKind.HISTOGRAM, hadoop).statistics();
        try (Threads threads = new Threads()) {
            Map<String, Callable<?>> measured = new LinkedHashMap<>();
            for (int count = 1; count <= 2; count++) {
                List<Callable<Object>> direct = new ArrayList<>();
                List<Callable<Object>> array = new ArrayList<>();
                List<Callable<Object>> task = new ArrayList<>();
                for (Split split : Split.plan(listing.files(), count)) {
                    direct.add(reader(split, ReadLimit.direct(CaptureReader.blockBytes())));
                    array.add(reader(split, ByteBuffer.allocate(CaptureReader.blockBytes())));
                    task.add(() -> task(split, StatisticsKind.RANGE, hadoop));
                }
                measured.put("direct" + count, () -> threads.together(direct));
                measured.put("array" + count, () -> threads.together(array));
                measured.put("task" + count, () -> heap.during(() -> threads.together(task)));
            }
            List<Callable<Object>> histogram = List.of(() ->
                    task(whole, StatisticsKind.HISTOGRAM, hadoop).statistics().toByteArray());
            StatisticsKind norms =
                    StatisticsKind.RANGE.with(KeyPairs.everywhere(new RotaryPairs(false, shape.headDim())));
            List<Callable<Object>> pairs = List.of(() -> task(whole, norms, hadoop));
            measured.put("pairs", () -> threads.together(pairs));
            measured.put("histogram", () -> histogramHeap.during(() -> threads.together(histogram)));
            ByteBuffer block = ReadLimit.direct(CaptureReader.blockBytes());
            measured.put("fold", () -> {
                ReadLimit.fold(whole, block, shape.headDim());
                return block;
            });
            byte[] values = shape.randomTensor(1);
            measured.put("count", () -> CountLimit.count(values, listing.bytes()));
            ToDoubleFunction<String> rate = new Rounds(listing.bytes(), seconds).medians(measured);
            return new CaptureRates(
                    figures(prefix, rate),
                    heap.megabytes(),
                    histogramHeap.megabytes(),
                    counted.toByteArray().length / (double) heads(counted),
                    DeriveTime.measure(counted, threads, seconds / 4));
        }
    }

    private static Map<String, Object> figures(String prefix, ToDoubleFunction<String> rate) {
        double read1 = Math.max(rate.applyAsDouble("direct1"), rate.applyAsDouble("array1"));
        double read2 = Math.max(rate.applyAsDouble("direct2"), rate.applyAsDouble("array2"));
        double task1 = rate.applyAsDouble("task1");
        double task2 = rate.applyAsDouble("task2");
        double histogram = rate.applyAsDouble("histogram");
        double count = rate.applyAsDouble("count");
        double bound = task1 * count / (task1 + count);
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put(prefix + "read_gbps", read1);
        figures.put(prefix + "read_gbps_2", read2);
        figures.put(prefix + "task_gbps_1", task1);
        figures.put(prefix + "task_gbps_2", task2);
        figures.put(prefix + "ratio_1", task1 / read1);
        figures.put(prefix + "ratio_2", task2 / read2);
        figures.put(prefix + "fold_ratio_1", rate.applyAsDouble("fold") / read1);
        figures.put(prefix + "histogram_gbps_1", histogram);
        figures.put(prefix + "histogram_ratio_1", histogram / read1);
        figures.put(prefix + "pairs_gbps_1", rate.applyAsDouble("pairs"));
        figures.put(prefix + "pairs_ratio_1", rate.applyAsDouble("pairs") / read1);
        figures.put(prefix + "count_gbps_1", count);
        figures.put(prefix + "histogram_bound_gbps_1", bound);
        figures.put(prefix + "histogram_of_bound_1", histogram / bound);
        return figures;
    }

    private static int heads(CalibrationStatistics statistics) {
        return statistics.slots().values().stream()
                .mapToInt(slot -> slot.geometry().heads())
                .sum();
    }

    private static Callable<Object> reader(Split split, ByteBuffer block) {
        return () -> {
            ReadLimit.read(split, block);
            return block;
        };
    }

    private static TaskState task(Split split, StatisticsKind kind, Configuration hadoop) throws IOException {
        QuantizationScheme fp8 = QuantizationScheme.fp8();
        TaskState outcome = CalibrationTask.run(
                split,
                SlotSchemes.of(fp8),
                kind,
                CaptureOptions.defaults(),
                hadoop,
                CaptureReader.Depth.VALUES,
                bytes -> {},
                failure -> {});
        if (outcome.problem() != null) {
            throw new IOException("the generated captures are invalid: " + outcome.problem());
        }
        return outcome;
    }

    /** Peak heap usage during calls: the sum of the peaks of all memory pools, an upper bound. Includes garbage. */
    private static final class HeapPeak {
        private final List<MemoryPoolMXBean> pools = ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.HEAP)
                .toList();
        private long bytes;

        <T> T during(Callable<T> call) throws Exception {
            pools.forEach(MemoryPoolMXBean::resetPeakUsage);
            T result = call.call();
            bytes = Math.max(
                    bytes,
                    pools.stream().mapToLong(p -> p.getPeakUsage().getUsed()).sum());
            return result;
        }

        double megabytes() {
            return bytes / 1e6;
        }
    }
}
