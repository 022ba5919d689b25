package io.kvscale.model;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession.RunOptions;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The time that ONNX Runtime may take for one run: far more than any decoder needs, but not without end, as a graph may. ONNX
 * Runtime looks at the limit between two nodes, so one node can exceed it.
 */
record TimeLimit(Duration least, Duration perToken) {
    /** A decoder with 100 billion parameters needs 10 seconds per token on one slow core. */
    static final TimeLimit USUAL = new TimeLimit(Duration.ofMinutes(10), Duration.ofSeconds(10));

    private static final ScheduledThreadPoolExecutor CLOCK = clock();

    private static ScheduledThreadPoolExecutor clock() {
        ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "kvscale-model-time-limit");
            thread.setDaemon(true);
            return thread;
        });
        clock.setRemoveOnCancelPolicy(true);
        return clock;
    }

    Duration of(long tokens) {
        return least.plus(perToken.multipliedBy(tokens));
    }

    /** Counts from now on; the options are those of the run. */
    Watch start(long tokens) throws OrtException {
        return new Watch(of(tokens));
    }

    static final class Watch implements AutoCloseable {
        private final RunOptions options = new RunOptions();
        private final Duration limit;
        private final Future<?> end;
        private boolean exceeded;
        private boolean closed;

        private Watch(Duration limit) throws OrtException {
            this.limit = limit;
            this.end = CLOCK.schedule(this::terminate, limit.toMillis(), TimeUnit.MILLISECONDS);
        }

        private synchronized void terminate() {
            if (closed) {
                return;
            }
            exceeded = true;
            try {
                options.setTerminate(true);
            } catch (OrtException e) {
                throw new IllegalStateException("cannot end a run of ONNX Runtime", e);
            }
        }

        RunOptions options() {
            return options;
        }

        Duration limit() {
            return limit;
        }

        synchronized boolean isExceeded() {
            return exceeded;
        }

        @Override
        public synchronized void close() {
            closed = true;
            end.cancel(false);
            options.close();
        }
    }
}
