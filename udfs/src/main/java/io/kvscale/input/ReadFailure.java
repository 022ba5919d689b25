package io.kvscale.input;

import io.kvscale.tensor.DataProblem;
import java.io.FileNotFoundException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.apache.hadoop.security.AccessControlException;
import org.jspecify.annotations.Nullable;

/** Says why a file could not be read, without the names of exceptions. */
public final class ReadFailure {
    private ReadFailure() {}

    /** Whether a file system's server is not known or does not answer. */
    public static boolean isUnreachable(Throwable failure) {
        for (Throwable t = failure; t != null; t = t.getCause()) {
            if (t instanceof SocketException
                    || t instanceof SocketTimeoutException
                    || t instanceof UnknownHostException) {
                return true;
            }
        }
        return false;
    }

    /** One line. What a remote file system says is passed on, because only it knows the reason. */
    public static String reason(Throwable failure) {
        if (failure instanceof FSError && failure.getCause() != null) {
            return reason(failure.getCause()); // Hadoop's local file system wraps the errors of the disk
        }
        if (failure instanceof UnsupportedFileSystemException
                && String.valueOf(failure.getMessage()).matches(".*scheme \"s3n?\".*")) {
            return "Hadoop's name for S3 is s3a://, and needs the jars of hadoop-aws and of the AWS SDK";
        }
        if (isUnreachable(failure)) {
            return "the server of its file system does not answer";
        }
        @Nullable String said = failure.getMessage();
        if (failure instanceof AccessDeniedException
                || failure instanceof AccessControlException
                || said != null && said.endsWith("(Permission denied)")) {
            return "permission denied";
        }
        if (failure instanceof FileNotFoundException || failure instanceof NoSuchFileException) {
            return "it does not exist";
        }
        String line = said == null ? "" : said.lines().findFirst().orElse("");
        // Hadoop's RPC puts exceptions into the messages of others.
        String plain = line.replace("java.net.UnknownHostException: ", "unknown host ")
                .replaceAll("\\b(?:java|javax|org|com)(?:\\.\\w+)*\\.\\w*(?:Exception|Error)(?:: )?", "")
                .strip();
        return plain.isEmpty() ? "the file system gives no reason" : DataProblem.shown(plain);
    }
}
