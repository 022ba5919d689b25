package io.kvscale.job.calibration;

import io.kvscale.job.corpus.CorpusSummary;
import java.io.PrintStream;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.ObjLongConsumer;
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
public final class Progress extends SparkListener {
    /** Counts bytes or tokens. */
    private static final String ACCUMULATOR = "kvscale observed";

    /** Counts samples, where the work has some. */
    private static final String SAMPLES = "kvscale samples";

    private static final long LIVE_NANOS = 200_000_000L;
    private static final long PLAIN_NANOS = 10_000_000_000L;

    private final PrintStream err;
    private final boolean live;
    private final boolean quiet;
    private long start;
    private final Map<String, Counted> counted = Map.of(ACCUMULATOR, new Counted(), SAMPLES, new Counted());
    private Work work = Work.NONE;
    private long shown;
    private boolean shownAny;

    /**
     * What there is to do.
     *
     * @param total bytes of K and V, or tokens; 0: nothing is shown; negative: not known
     * @param samples 0 where bytes are counted instead
     */
    public record Work(long total, long samples) {
        static final Work NONE = new Work(0, 0);

        /** Running a model over texts. */
        public static Work of(CorpusSummary texts) {
            return new Work(texts.tokens(), texts.sequences());
        }

        /** Done, rate, time left; only the first two where the total is not known. */
        String line(long done, long doneSamples, double seconds) {
            double rate = done / seconds;
            if (total < 0) {
                return format("%.1f MB, %.1f MB/s", done / 1e6, rate / 1e6);
            }
            String left = done == 0 ? "" : ", " + left((total - done) / rate) + " left";
            long percent = (long) (100.0 * done / total);
            return samples > 0
                    ? format(
                            "%d of %d samples, %d of %d tokens (%d %%), %.0f tokens/s%s",
                            doneSamples, samples, done, total, percent, rate, left)
                    : format(
                            "%.1f of %.1f MB (%d %%), %.1f MB/s%s", done / 1e6, total / 1e6, percent, rate / 1e6, left);
        }

        private static String format(String line, Object... values) {
            return "kvscale: " + String.format(Locale.ROOT, line, values);
        }
    }

    /** What one accumulator says. */
    private static final class Counted {
        private final Map<Long, Long> running = new HashMap<>();
        private long ended;

        long sum() {
            return ended + running.values().stream().mapToLong(Long::longValue).sum();
        }
    }

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
     * @param whole what there is to do
     * @param job is given what its tasks count bytes or tokens with, and samples
     */
    public <T> T of(
            JavaSparkContext spark,
            String description,
            Work whole,
            BiFunction<LongAccumulator, LongAccumulator, T> job) {
        LongAccumulator observed = spark.sc().longAccumulator(ACCUMULATOR);
        LongAccumulator samples = spark.sc().longAccumulator(SAMPLES);
        spark.setJobGroup("kvscale", "kvscale: " + description);
        begin(whole);
        spark.sc().addSparkListener(this);
        try {
            return job.apply(observed, samples);
        } finally {
            finish();
            spark.sc().removeSparkListener(this);
            spark.clearJobGroup();
        }
    }

    private synchronized void begin(Work whole) {
        work = whole;
        start = System.nanoTime();
        shown = start;
    }

    @Override
    public synchronized void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate update) {
        CollectionConverters.asJava(update.accumUpdates())
                .forEach(task -> forEach(
                        CollectionConverters.asJava(task._4()),
                        (of, value) -> of.running.put((Long) task._1(), value)));
        show();
    }

    @Override
    public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
        counted.values().forEach(of -> of.running.remove(end.taskInfo().taskId()));
        if (end.taskInfo().successful()) {
            forEach(CollectionConverters.asJava(end.taskInfo().accumulables()), (of, value) -> of.ended += value);
        }
        show();
    }

    private void forEach(Iterable<AccumulableInfo> infos, ObjLongConsumer<Counted> use) {
        for (AccumulableInfo info : infos) {
            Counted of = info.name().isDefined() ? counted.get(info.name().get()) : null;
            if (of != null && info.update().isDefined()) {
                use.accept(of, ((Number) info.update().get()).longValue());
            }
        }
    }

    private void show() {
        long now = System.nanoTime();
        if (quiet || work.total == 0 || now - shown < (live ? LIVE_NANOS : PLAIN_NANOS)) {
            return;
        }
        shown = now;
        shownAny = true;
        String line = line(now);
        if (live) {
            err.print("\r" + line + "\u001b[K");
            err.flush();
        } else {
            err.println(line);
        }
    }

    private String line(long now) {
        long done = Objects.requireNonNull(counted.get(ACCUMULATOR)).sum();
        long samples = Objects.requireNonNull(counted.get(SAMPLES)).sum();
        return work.line(
                work.total < 0 ? done : Math.min(work.total, done),
                Math.min(work.samples, samples),
                Math.max(1e-3, (now - start) / 1e9));
    }

    private static String left(double seconds) {
        Duration duration = Duration.ofSeconds(Math.round(Math.min(seconds, 1e7)));
        return duration.toHours() > 0
                ? duration.toHours() + " h " + duration.toMinutesPart() + " min"
                : duration.toMinutes() > 0
                        ? duration.toMinutes() + " min " + duration.toSecondsPart() + " s"
                        : duration.toSeconds() + " s";
    }

    /** Ends a live line. */
    private synchronized void finish() {
        if (live && shownAny) {
            err.print("\r\u001b[K");
            err.flush();
        }
        work = Work.NONE;
    }
}
