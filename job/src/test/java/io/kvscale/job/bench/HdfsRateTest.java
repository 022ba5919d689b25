package io.kvscale.job.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.FilePiece;
import io.kvscale.input.Split;
import io.kvscale.job.Capture;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.task.CalibrationTask;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A task on HDFS against a thread that reads the same files with the same client, one after another, and drops the bytes. */
@Tag("cluster")
class HdfsRateTest {
    private static final int FILES = 4;
    private static final int TOKENS = 1 << 15;
    private static final int SECONDS = 20;

    @TempDir
    private Path work;

    private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    /** Least CPU time of a call, by name. */
    private final Map<String, Long> cpu = new HashMap<>();

    @Test
    @Timeout(240)
    void aTaskReadsAsFastAsTheClient() throws Exception {
        Configuration hadoop = new Configuration();
        hadoop.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, work.resolve("dfs").toString());
        try (MiniDFSCluster cluster =
                new MiniDFSCluster.Builder(hadoop).numDataNodes(1).build()) {
            FileSystem files = cluster.getFileSystem();
            write(files);
            CaptureListing listing = CaptureListing.of(List.of(files.getUri() + "/in"), hadoop);
            Split whole = Split.plan(listing.files(), 1).get(0);
            Map<String, Callable<?>> measured = new LinkedHashMap<>();
            measured.put("read", () -> timed("read", () -> read(files, whole)));
            measured.put("task", () -> timed("task", () -> task(whole, hadoop)));
            ToDoubleFunction<String> rate = new Rounds(listing.bytes(), SECONDS).medians(measured);
            double ratio = rate.applyAsDouble("task") / rate.applyAsDouble("read");
            double cpuRatio = cpu.get("read") / (double) cpu.get("task");
            System.out.printf(
                    Locale.ROOT,
                    "HDFS: client %.2f GB/s, task %.2f GB/s, ratio %.2f; CPU seconds of the thread per GB %.2f and %.2f,"
                            + " ratio %.2f%n",
                    rate.applyAsDouble("read"),
                    rate.applyAsDouble("task"),
                    ratio,
                    cpu.get("read") / (double) listing.bytes(),
                    cpu.get("task") / (double) listing.bytes(),
                    cpuRatio);
            // The times on the clock depend on what else runs.
            assertThat(cpuRatio).isGreaterThan(0.7);
        }
    }

    private <T> T timed(String name, Callable<T> call) throws Exception {
        long begin = threads.getCurrentThreadCpuTime();
        T result = call.call();
        cpu.merge(name, threads.getCurrentThreadCpuTime() - begin, Math::min);
        return result;
    }

    private static void write(FileSystem files) throws IOException {
        byte[] values = new byte[8 * TOKENS * 64 * 2];
        new Random(1).nextBytes(values);
        for (int b = 1; b < values.length; b += 2) {
            values[b] &= (byte) 0xbf; // no NaN
        }
        Capture capture = new Capture();
        capture.raw("layers.0.keys", "BF16", List.of(1L, 8L, (long) TOKENS, 64L), values);
        capture.raw("layers.0.values", "BF16", List.of(1L, 8L, (long) TOKENS, 64L), values);
        byte[] bytes = capture.bytes();
        for (int i = 0; i < FILES; i++) {
            try (OutputStream out = files.create(new org.apache.hadoop.fs.Path("/in/" + i + ".safetensors"))) {
                out.write(bytes);
            }
        }
    }

    private static Object read(FileSystem files, Split split) throws IOException {
        byte[] block = new byte[CaptureReader.blockBytes()];
        long sum = 0;
        for (FilePiece piece : split.pieces()) {
            try (InputStream in =
                    files.open(new org.apache.hadoop.fs.Path(piece.file().path()))) {
                for (int count = in.read(block); count >= 0; count = in.read(block)) {
                    sum += count;
                }
            }
        }
        assertThat(sum).isEqualTo(split.length());
        return sum;
    }

    private static Object task(Split split, Configuration hadoop) {
        var found = CalibrationTask.run(
                split,
                SlotSchemes.of(QuantizationScheme.fp8()),
                StatisticsKind.RANGE,
                CaptureOptions.defaults(),
                hadoop,
                CaptureReader.Depth.VALUES,
                bytes -> {},
                failure -> {});
        assertThat(found.problem()).isNull();
        return found;
    }
}
