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
 * Says what is wrong with data, or with an option about them, as an error of Spark's own: those reach SQL, PySpark and
 * Connect clients as the message alone, others as a stack trace of a task.
 */
public final class SparkErrors {
    /** Spark's class for errors in a user's words. */
    private static final String ERROR_CLASS = "USER_RAISED_EXCEPTION";

    private SparkErrors() {}

    /**
     * What the work gives.
     *
     * @throws SparkRuntimeException with the message of an {@link InvalidDataException} or {@link InvalidOptionException}
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

    /** The parameters of a message, as Spark takes them. */
    public static scala.collection.immutable.Map<String, String> parameters(Map<String, String> byName) {
        return scala.collection.immutable.Map.from(CollectionConverters.asScala(byName));
    }
}
