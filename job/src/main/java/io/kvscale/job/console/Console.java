package io.kvscale.job.console;

import io.kvscale.job.spark.Progress;
import io.kvscale.task.FailedSamples;
import io.kvscale.tensor.DataProblem;
import java.io.PrintWriter;
import java.util.stream.Collectors;

/** Notices, warnings and progress on standard error. With {@code quiet} it prints nothing. */
public record Console(PrintWriter err, boolean quiet) {
    /** Prints a notice of one line, which needs no action by the user. */
    public void say(String text) {
        if (!quiet) {
            err.println("kvscale: " + DataProblem.printable(text));
            err.flush();
        }
    }

    public void warn(String text) {
        say("warning: " + text);
    }

    /** Warns of samples that the model failed on, if there are any. */
    public void warnFailedSamples(FailedSamples failed) {
        DataProblem first = failed.first();
        long count = failed.count();
        if (first != null) {
            warn("the model failed on " + (count == 1 ? "1 sample" : count + " samples")
                    + ", left out of the result" + (count == 1 ? ": " : "; the first: ")
                    + first.message().lines().map(String::strip).collect(Collectors.joining("; ")));
        }
    }

    /** A progress display for the Spark jobs of one command. */
    public Progress progress() {
        return new Progress(System.err, Boolean.getBoolean("kvscale.terminal"), quiet);
    }
}
