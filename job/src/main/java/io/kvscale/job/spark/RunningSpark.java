package io.kvscale.job.spark;

import org.apache.spark.api.java.JavaSparkContext;

/**
 * A Spark context in use.
 *
 * @param isOurs whether it was started for this use
 */
public record RunningSpark(JavaSparkContext context, boolean isOurs) implements AutoCloseable {
    /** Stops Spark if it was started for this use. */
    @Override
    public void close() {
        if (isOurs) {
            context.stop();
        }
    }
}
