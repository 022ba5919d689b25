package io.kvscale.job.calibration;

import java.io.PrintStream;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Shows bytes done, rate and time left on stderr: a live line on a terminal, a plain line every ten seconds elsewhere.
 * Running tasks are seen through their heartbeats.
 */
public final class Progress extends SparkListener {
    static final String ACCUMULATOR = "kvscale bytes observed";

    private static final long LIVE_NANOS = 200_000_000L;
    private static final long PLAIN_NANOS = 10_000_000_000L;

    private final PrintStream err;
    private final boolean live;
    private final boolean quiet;
    private final long start = System.nanoTime();
    private final Map<Long, Long> running = new HashMap<>();
    private long total;
    private long done;
    private long shown = start;
    private boolean shownAny;

    /**
     * @param live whether lines may be written over, as on a terminal
     * @param quiet whether to show nothing
     */
    public Progress(PrintStream err, boolean live, boolean quiet) {
        this.err = err;
        this.live = live;
        this.quiet = quiet;
    }

    /** @param bytes to observe; 0: show nothing; negative: not known */
    synchronized void begin(long bytes) {
        total = bytes;
    }

    @Override
    public synchronized void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate update) {
        CollectionConverters.asJava(update.accumUpdates()).forEach(task -> {
            for (AccumulableInfo info : CollectionConverters.asJava(task._4())) {
                if (info.name().contains(ACCUMULATOR) && info.update().isDefined()) {
                    running.put((Long) task._1(), ((Number) info.update().get()).longValue());
                }
            }
        });
        show();
    }

    @Override
    public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
        running.remove(end.taskInfo().taskId());
        if (end.taskInfo().successful()) {
            for (AccumulableInfo info :
                    CollectionConverters.asJava(end.taskInfo().accumulables())) {
                if (info.name().contains(ACCUMULATOR) && info.update().isDefined()) {
                    done += ((Number) info.update().get()).longValue();
                }
            }
        }
        show();
    }

    private void show() {
        long now = System.nanoTime();
        if (quiet || total == 0 || now - shown < (live ? LIVE_NANOS : PLAIN_NANOS)) {
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
        long bytes = done + running.values().stream().mapToLong(Long::longValue).sum();
        return line(total < 0 ? bytes : Math.min(total, bytes), total, Math.max(1e-3, (now - start) / 1e9));
    }

    /** Bytes done and in all, rate, time left; only bytes and rate where {@code total} is negative, not known. */
    static String line(long bytes, long total, double seconds) {
        double rate = bytes / seconds;
        if (total < 0) {
            return String.format(Locale.ROOT, "kvscale: %.1f MB, %.1f MB/s", bytes / 1e6, rate / 1e6);
        }
        String left = bytes == 0 ? "" : ", " + left((total - bytes) / rate) + " left";
        return String.format(
                Locale.ROOT,
                "kvscale: %.1f of %.1f MB (%d %%), %.1f MB/s%s",
                bytes / 1e6,
                total / 1e6,
                (long) (100.0 * bytes / total),
                rate / 1e6,
                left);
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
    synchronized void finish() {
        if (live && shownAny) {
            err.print("\r\u001b[K");
            err.flush();
        }
        total = 0;
    }
}
