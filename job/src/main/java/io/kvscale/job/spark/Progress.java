package io.kvscale.job.spark;

import java.io.PrintStream;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiFunction;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.util.LongAccumulator;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Shows what is done, rate and time left on stderr: a live line on a terminal, a plain line every ten seconds elsewhere.
 * Running tasks are seen through their heartbeats.
 */
public final class Progress {
    private static final long LIVE_NANOS = 200_000_000L;
    private static final long PLAIN_NANOS = 10_000_000_000L;

    /** Shows nothing. */
    public static final Progress NONE = new Progress(System.err, false, true);

    private final PrintStream err;
    private final boolean live;
    private final boolean quiet;

    /**
     * @param live whether lines may be written over, as on a terminal
     * @param quiet whether to show nothing
     */
    public Progress(PrintStream err, boolean live, boolean quiet) {
        this.err = err;
        this.live = live;
        this.quiet = quiet;
    }

    /**
     * Runs a Spark job and shows how far it is.
     *
     * @param description the name that Spark's pages call it by
     * @param job is given what its tasks count bytes or tokens with, and samples
     */
    public <T> T track(
            JavaSparkContext spark,
            String description,
            Work work,
            BiFunction<LongAccumulator, LongAccumulator, T> job) {
        LongAccumulator done = spark.sc().longAccumulator("kvscale observed");
        LongAccumulator samples = spark.sc().longAccumulator("kvscale samples");
        Shown shown = new Shown(work, done.id(), samples.id());
        spark.setJobGroup("kvscale", "kvscale: " + description);
        spark.sc().addSparkListener(shown);
        try {
            return job.apply(done, samples);
        } finally {
            shown.finish();
            spark.sc().removeSparkListener(shown);
            spark.clearJobGroup();
        }
    }

    /** What one accumulator says. */
    private static final class Counted {
        private final Map<Long, Long> running = new HashMap<>();
        private final long accumulator;
        private long ended;

        Counted(long accumulator) {
            this.accumulator = accumulator;
        }

        void running(long task, Iterable<AccumulableInfo> updates) {
            running.put(task, sum(updates));
        }

        void ended(long task, boolean successful, Iterable<AccumulableInfo> updates) {
            running.remove(task);
            ended += successful ? sum(updates) : 0;
        }

        private long sum(Iterable<AccumulableInfo> updates) {
            long sum = 0;
            for (AccumulableInfo info : updates) {
                if (info.id() == accumulator && info.update().isDefined()) {
                    sum += ((Number) info.update().get()).longValue();
                }
            }
            return sum;
        }

        long sum() {
            return ended + running.values().stream().mapToLong(Long::longValue).sum();
        }
    }

    /** Shows one job. */
    private final class Shown extends SparkListener {
        private final Work work;
        private final Counted done;
        private final Counted samples;
        private final long start = System.nanoTime();
        private long last = start;
        private boolean any;
        private boolean finished;

        Shown(Work work, long done, long samples) {
            this.work = work;
            this.done = new Counted(done);
            this.samples = new Counted(samples);
        }

        @Override
        public synchronized void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate update) {
            CollectionConverters.asJava(update.accumUpdates()).forEach(task -> {
                Iterable<AccumulableInfo> updates = CollectionConverters.asJava(task._4());
                done.running((Long) task._1(), updates);
                samples.running((Long) task._1(), updates);
            });
            show();
        }

        @Override
        public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
            Iterable<AccumulableInfo> updates =
                    CollectionConverters.asJava(end.taskInfo().accumulables());
            done.ended(end.taskInfo().taskId(), end.taskInfo().successful(), updates);
            samples.ended(end.taskInfo().taskId(), end.taskInfo().successful(), updates);
            show();
        }

        private void show() {
            long now = System.nanoTime();
            if (finished || quiet || work instanceof Work.Nothing || now - last < (live ? LIVE_NANOS : PLAIN_NANOS)) {
                return;
            }
            last = now;
            any = true;
            String line = work.line(done.sum(), samples.sum(), Math.max(1e-3, (now - start) / 1e9));
            if (live) {
                err.print("\r" + line + "\u001b[K");
                err.flush();
            } else {
                err.println(line);
            }
        }

        /** Ends a live line. */
        synchronized void finish() {
            finished = true;
            if (live && any) {
                err.print("\r\u001b[K");
                err.flush();
            }
        }
    }
}
