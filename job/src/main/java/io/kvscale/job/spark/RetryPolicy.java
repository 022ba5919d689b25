package io.kvscale.job.spark;

import io.kvscale.input.UnusableFileException;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import org.apache.hadoop.security.AccessControlException;
import org.apache.spark.TaskContext;

/**
 * Decides which failed reads Spark tries again. A read is tried again while the task has attempts left, unless the file
 * is too short, unusable, gone or forbidden. The last attempt returns the failure as a value.
 *
 * @param attempts how often Spark runs a task before it fails the job: {@link SparkRuntime#attempts}
 */
public record RetryPolicy(int attempts) implements Serializable {
    /** @throws UncheckedIOException if Spark should run the task again */
    public void failed(IOException failure) {
        if (TaskContext.get().attemptNumber() + 1 < attempts && isTransient(failure)) {
            throw new UncheckedIOException("a file cannot be read, trying again", failure);
        }
    }

    /** Any failure that is not about the file itself may be the network's or a server's. */
    static boolean isTransient(IOException failure) {
        return !(failure instanceof EOFException
                || failure instanceof UnusableFileException
                || failure instanceof FileNotFoundException
                || failure instanceof NoSuchFileException
                || failure instanceof AccessDeniedException
                || failure instanceof AccessControlException);
    }
}
