package io.kvscale.job.corpus.read;

import io.kvscale.input.InputFile;
import io.kvscale.tensor.DataProblem;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import org.apache.spark.TaskContext;

/**
 * Lets Spark try again where a read failed for a reason that may pass; the last attempt's failure is a value.
 *
 * @param most how often Spark runs a task before it gives up
 */
public record ReadAttempts(int most) implements Serializable {
    /** @throws UncheckedIOException if there are attempts left */
    DataProblem settled(InputFile file, IOException failure) {
        if (TaskContext.get().attemptNumber() + 1 < most) {
            throw new UncheckedIOException("a text cannot be read, trying again", failure);
        }
        return DataProblem.of(
                        "the file cannot be read: " + failure,
                        "check the file, and that nothing writes to it while it is read")
                .inFile(file.name());
    }
}
