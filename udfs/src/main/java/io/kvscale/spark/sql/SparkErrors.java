package io.kvscale.spark.sql;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.tensor.InvalidDataException;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.spark.QueryContext;
import org.apache.spark.SparkRuntimeException;
import org.jspecify.annotations.Nullable;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Translates errors about data and options into Spark's own exceptions. SQL, PySpark and Connect clients see only the
 * message of those; for other exceptions they see the stack trace of a task.
 */
public final class SparkErrors {
    /** Spark's error class for free text. */
    private static final String ERROR_CLASS = "USER_RAISED_EXCEPTION";

    private SparkErrors() {}

    /**
     * Runs the work and returns its result.
     *
     * @throws SparkRuntimeException with the message of the {@link InvalidDataException} or {@link InvalidOptionException}
     *     that the work threw
     */
    public static <T extends @Nullable Object> T translate(Supplier<T> work) {
        try {
            return work.get();
        } catch (InvalidDataException | InvalidOptionException e) {
            throw new SparkRuntimeException(
                    ERROR_CLASS,
                    parameters(Map.of("errorMessage", String.valueOf(e.getMessage()))),
                    e,
                    new QueryContext[0],
                    "");
        }
    }

    /** Converts the parameters of a message to a Scala map. */
    public static scala.collection.immutable.Map<String, String> parameters(Map<String, String> byName) {
        return scala.collection.immutable.Map.from(CollectionConverters.asScala(byName));
    }
}
