package io.kvscale.job.spark;

import java.io.PrintStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.LongConsumer;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.util.LongAccumulator;
import org.jspecify.annotations.Nullable;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Shows progress, rate and time left on stderr: a live line on a terminal, else a plain line every ten seconds. Running
 * tasks report through Spark's heartbeats.
 */
public final class Progress {
    private static final long LIVE_NANOS = 200_000_000L;
    private static final long PLAIN_NANOS = 10_000_000_000L;

    /** Shows nothing. */
    public static final Progress NONE = new Progress(System.err, false, true);

    private final PrintStream err;
    private final boolean live;
    private final boolean quiet;

    /** @param live whether to overwrite one line, as on a terminal */
    public Progress(PrintStream err, boolean live, boolean quiet) {
        this.err = err;
        this.live = live;
        this.quiet = quiet;
    }

    /**
     * Runs a Spark job in the job group of its phase, and shows its progress here and in {@link RunMetrics}.
     *
     * @param description the description in Spark's UI
     * @param job takes the accumulators in which its tasks count bytes or tokens, and samples
     */
    public <T> T track(
            JavaSparkContext spark,
            String description,
            Work work,
            BiFunction<LongAccumulator, LongAccumulator, T> job) {
        LongAccumulator done = spark.sc().longAccumulator("kvscale observed");
        LongAccumulator samples = spark.sc().longAccumulator("kvscale samples");
        RunMetrics metrics = RunMetrics.of(spark);
        Shown shown = new Shown(work, done.id(), samples.id(), metrics);
        spark.setJobGroup("kvscale " + work.phase(), "kvscale: " + description);
        spark.sc().addSparkListener(shown);
        try {
            return job.apply(done, samples);
        } finally {
            shown.finish();
            spark.sc().removeSparkListener(shown);
            spark.clearJobGroup();
            metrics.progress(work, done.value(), samples.value());
        }
    }

    /**
     * Runs work of the driver and shows its progress.
     *
     * @param action takes a counter of bytes
     */
    public <T> T count(Work work, Function<LongConsumer, T> action) {
        Shown shown = new Shown(work, -1, -1, null);
        try {
            return action.apply(shown::count);
        } finally {
            shown.finish();
        }
    }

    /** Shows the progress of one job. */
    private final class Shown extends SparkListener {
        private final Work work;
        private final List<Long> accumulators;
        private final long[] ended = new long[2];
        private final Map<Long, long[]> running = new HashMap<>();
        private final long start = System.nanoTime();
        private long last = start;
        private final @Nullable RunMetrics metrics;
        private boolean any;
        private boolean finished;

        Shown(Work work, long done, long samples, @Nullable RunMetrics metrics) {
            this.work = work;
            this.metrics = metrics;
            this.accumulators = List.of(done, samples);
        }

        @Override
        public synchronized void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate update) {
            CollectionConverters.asJava(update.accumUpdates())
                    .forEach(task -> running.put((Long) task._1(), sums(CollectionConverters.asJava(task._4()))));
            show();
        }

        @Override
        public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
            running.remove(end.taskInfo().taskId());
            if (end.taskInfo().successful()) {
                add(sums(CollectionConverters.asJava(end.taskInfo().accumulables())), ended);
            } else if (metrics != null && end.taskInfo().failed()) {
                metrics.add(RunMetrics.Figure.FAILED_TASKS, 1);
            }
            show();
        }

        synchronized void count(long bytes) {
            ended[0] += bytes;
            show();
        }

        private long[] sums(Iterable<AccumulableInfo> updates) {
            long[] sums = new long[2];
            for (AccumulableInfo info : updates) {
                int i = accumulators.indexOf(info.id());
                if (i >= 0 && info.update().isDefined()) {
                    sums[i] += ((Number) info.update().get()).longValue();
                }
            }
            return sums;
        }

        private static void add(long[] values, long[] to) {
            to[0] += values[0];
            to[1] += values[1];
        }

        private void show() {
            if (finished) {
                return;
            }
            long[] all = ended.clone();
            running.values().forEach(values -> add(values, all));
            if (metrics != null) {
                metrics.progress(work, all[0], all[1]);
            }
            long now = System.nanoTime();
            if (quiet || now - last < (live ? LIVE_NANOS : PLAIN_NANOS)) {
                return;
            }
            last = now;
            any = true;
            String line = work.line(all[0], all[1], Math.max(1e-3, (now - start) / 1e9));
            if (live) {
                err.print("\r" + line + "\u001b[K");
                err.flush();
            } else {
                err.println(line);
            }
        }

        /** Clears a live line. */
        synchronized void finish() {
            finished = true;
            if (live && any) {
                err.print("\r\u001b[K");
                err.flush();
            }
        }
    }
}
