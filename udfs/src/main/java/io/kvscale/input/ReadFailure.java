package io.kvscale.input;

import io.kvscale.tensor.DataProblem;
import java.io.FileNotFoundException;
import java.net.UnknownHostException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import org.apache.hadoop.security.AccessControlException;
import org.jspecify.annotations.Nullable;

/** Says why a file could not be read, without the names of exceptions. */
public final class ReadFailure {
    private ReadFailure() {}

    /** One line. What a remote file system says is passed on, because only it knows the reason. */
    public static String reason(Exception failure) {
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
        if (failure instanceof UnknownHostException) {
            line = "unknown host " + line;
        }
        // Hadoop's RPC puts exceptions into the messages of others.
        String plain = line.replace("java.net.UnknownHostException: ", "unknown host ")
                .replaceAll("\\b(?:java|javax|org|com)(?:\\.\\w+)*\\.\\w*(?:Exception|Error)(?:: )?", "")
                .strip();
        return plain.isEmpty() ? "the file system gives no reason" : DataProblem.shown(plain);
    }
}
