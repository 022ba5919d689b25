package io.kvscale.job.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Two threads that run measured calls. */
final class Threads implements AutoCloseable {
    private final ExecutorService threads = Executors.newFixedThreadPool(2);

    /** Runs the calls concurrently and waits for all. */
    List<Object> together(List<Callable<Object>> calls) throws Exception {
        List<Object> results = new ArrayList<>();
        for (Future<Object> future : threads.invokeAll(calls)) {
            try {
                results.add(future.get());
            } catch (ExecutionException e) {
                throw e.getCause() instanceof Exception cause ? cause : e;
            }
        }
        return results;
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
