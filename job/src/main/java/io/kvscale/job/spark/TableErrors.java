package io.kvscale.job.spark;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.function.Supplier;
import org.apache.spark.SparkThrowable;
import org.jspecify.annotations.Nullable;

/** Turns Spark's errors about a table into {@link InvalidDataException}: tables and views are input, not part of the job. */
public final class TableErrors {
    /** Prefixes of error classes that the table does not cause. */
    private static final List<String> SPARKS_OWN =
            List.of("INTERNAL_ERROR", "SPARK_JOB_CANCELLED", "UNABLE_TO_ACQUIRE_MEMORY");

    private TableErrors() {}

    /** @throws InvalidDataException if Spark fails with an error class that the table may cause */
    public static <T> T withContext(String table, String remedy, Supplier<T> read) {
        try {
            return read.get();
        } catch (InvalidDataException e) {
            throw e;
        } catch (Exception e) { // Spark throws checked exceptions without declaring them
            String said = reason(e);
            if (said != null) {
                throw new InvalidDataException(DataProblem.of(table + " cannot be read: " + said, remedy), e);
            }
            throw e;
        }
    }

    /** The first line of the innermost error that has an error class; null if there is none. */
    private static @Nullable String reason(Throwable failure) {
        String found = null;
        for (Throwable t = failure; t != null; t = t.getCause()) {
            if (t instanceof SparkThrowable named
                    && named.getCondition() != null
                    && SPARKS_OWN.stream().noneMatch(named.getCondition()::startsWith)) {
                String message = String.valueOf(t.getMessage());
                found = message.lines()
                        .map(String::strip)
                        .filter(line -> !line.isEmpty())
                        .findFirst()
                        .orElse(named.getCondition());
            }
        }
        return found;
    }
}
