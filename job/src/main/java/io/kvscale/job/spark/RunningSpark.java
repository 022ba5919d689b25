package io.kvscale.job.spark;

import java.util.function.Function;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Spark while a job of ours uses it.
 *
 * @param isOurs whether it was started for this use, and so stops with it
 */
public record RunningSpark(JavaSparkContext context, boolean isOurs) implements AutoCloseable {
    /** Opens what runs on it; where that fails, this use ends. */
    public <T> T opening(Function<JavaSparkContext, T> open) {
        boolean opened = false;
        try {
            T it = open.apply(context);
            opened = true;
            return it;
        } finally {
            if (!opened) { // Spark throws checked exceptions without declaring them
                close();
            }
        }
    }

    /** Stops Spark, unless it ran before. */
    @Override
    public void close() {
        if (isOurs) {
            context.stop();
        }
    }
}
