package io.kvscale.job.bench;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.Split;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.task.CalibrationTask;
import io.kvscale.task.TaskState;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import org.apache.hadoop.conf.Configuration;

/**
 * Rates over the same page-cached files, in GB/s: the limit, and the job's own task.
 *
 * @param read1 the better of reads into an aligned direct buffer and into a {@code byte[]}, on one thread
 * @param read2 the same on two threads, half of the files each
 * @param heapMegabytes the most heap in use in any call of a task, garbage included
 * @param histogram1 a task that counts values too, on one thread
 * @param histogramMegabytes as {@code heapMegabytes}, of such a task and its statistics' bytes
 * @param derive how long scales take that its statistics give
 * @param bytesPerHead what its statistics take between tasks, by heads of K and V
 */
record CaptureRates(
        double read1,
        double read2,
        double task1,
        double task2,
        double heapMegabytes,
        double histogram1,
        double histogramMegabytes,
        double bytesPerHead,
        DeriveTime derive) {
    /** What {@link #of} needs to know of the bench as a whole. */
    record Setting(int blockBytes, double seconds) {}

    static CaptureRates of(GeneratedCaptures captures, Setting setting) throws Exception {
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
                List<Split> splits = Split.plan(listing.files(), count);
                List<Callable<Object>> direct = new ArrayList<>();
                List<Callable<Object>> array = new ArrayList<>();
                List<Callable<Object>> task = new ArrayList<>();
                for (Split split : splits) {
                    direct.add(reader(split, ReadLimit.direct(setting.blockBytes())));
                    array.add(reader(split, ByteBuffer.allocate(setting.blockBytes())));
                    task.add(() -> task(split, StatisticsKind.RANGE, hadoop));
                }
                measured.put("direct" + count, () -> threads.together(direct));
                measured.put("array" + count, () -> threads.together(array));
                measured.put("task" + count, () -> heap.during(() -> threads.together(task)));
            }
            List<Callable<Object>> histogram = List.of(() ->
                    task(whole, StatisticsKind.HISTOGRAM, hadoop).statistics().toByteArray());
            measured.put("histogram1", () -> histogramHeap.during(() -> threads.together(histogram)));
            ToDoubleFunction<String> rate = new Rounds(listing.bytes(), setting.seconds()).medians(measured);
            return new CaptureRates(
                    Math.max(rate.applyAsDouble("direct1"), rate.applyAsDouble("array1")),
                    Math.max(rate.applyAsDouble("direct2"), rate.applyAsDouble("array2")),
                    rate.applyAsDouble("task1"),
                    rate.applyAsDouble("task2"),
                    heap.megabytes(),
                    rate.applyAsDouble("histogram1"),
                    histogramHeap.megabytes(),
                    counted.toByteArray().length / (double) heads(counted),
                    DeriveTime.of(counted, threads, setting.seconds() / 4));
        }
    }

    double ratio1() {
        return task1 / read1;
    }

    double ratio2() {
        return task2 / read2;
    }

    double histogramRatio1() {
        return histogram1 / read1;
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
            throw new IOException("the generated captures are not sound: " + outcome.problem());
        }
        return outcome;
    }
}
