package io.kvscale.job.spark;

import org.apache.spark.api.java.JavaSparkContext;

/**
 * Spark while a job of ours uses it.
 *
 * @param isOurs whether it was started for this use, and so stops with it
 */
public record RunningSpark(JavaSparkContext context, boolean isOurs) implements AutoCloseable {
    /** Stops Spark, unless it ran before. */
    @Override
    public void close() {
        if (isOurs) {
            context.stop();
        }
    }
}
