package io.kvscale.job;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.command.ExitCode;
import io.kvscale.job.export.OutputException;
import io.kvscale.job.recipe.RecipeException;
import io.kvscale.task.UnsavedCaptureException;
import io.kvscale.tensor.InvalidDataException;
import java.io.PrintWriter;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** From an exception to an exit code and one to three lines for the user. */
final class ErrorReporter {
    private static final int MAX_LINE = 500;

    private ErrorReporter() {}

    /** A command line that cannot be understood. */
    static int usage(ParameterException e, String[] args) {
        CommandLine command = e.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("kvscale: " + oneLine(message(e)));
        List<String> near = e instanceof UnmatchedArgumentException unmatched ? unmatched.getSuggestions() : List.of();
        if (!near.isEmpty()) {
            err.println("  did you mean "
                    + near.stream().limit(3).map(ErrorReporter::oneLine).collect(Collectors.joining(" or ")) + "?");
        }
        err.println("  " + command.getCommandSpec().qualifiedName() + " --help says what there is");
        err.flush();
        return ExitCode.USAGE;
    }

    private static String message(ParameterException e) {
        boolean atTop = e.getCommandLine().getParent() == null;
        if (atTop && e instanceof UnmatchedArgumentException unmatched && !unmatched.isUnknownOption()) {
            return "there is no command '" + unmatched.getUnmatched().get(0) + "'";
        }
        String message = e.getMessage();
        return message == null ? e.toString() : message;
    }

    /** A command that failed while it ran. */
    static int report(Throwable e, PrintWriter err, boolean debug) {
        if (debug) {
            e.printStackTrace(err);
        }
        String connector = missingConnector(e);
        if (connector != null) {
            err.println("kvscale: the class " + oneLine(connector) + " of that file system is not on the class path\n"
                    + "  add its connector: spark-submit --packages, or --jars; or name another path");
            err.flush();
            return ExitCode.DATA;
        }
        UnsavedCaptureException unsaved = cause(e, UnsavedCaptureException.class);
        if (unsaved != null) {
            err.println("kvscale: " + oneLine(String.valueOf(unsaved.getMessage()))
                    + "\n  see whether there is room and may be written, or name another --save-captures");
            err.flush();
            return ExitCode.OUTPUT;
        }
        if (String.valueOf(e.getMessage()).contains("SparkContext was shut down")) {
            err.println("kvscale: stopped before it was done; there is no result");
            err.flush();
            return ExitCode.UNEXPECTED;
        }
        int code = code(e);
        if (code == ExitCode.UNEXPECTED) {
            err.println(
                    "kvscale: unexpected failure: " + oneLine(e.toString()) + (debug ? "" : " (--debug shows where)"));
        } else {
            err.println("kvscale: " + e.getMessage());
        }
        err.flush();
        return code;
    }

    /** What the user can mend has a code of its own; everything else is a bug, or Spark's failure. */
    private static int code(Throwable e) {
        if (e instanceof InvalidDataException) {
            return ExitCode.DATA;
        }
        if (e instanceof RecipeException || e instanceof InvalidOptionException) {
            return ExitCode.USAGE;
        }
        if (e instanceof OutputException) {
            return ExitCode.OUTPUT;
        }
        return ExitCode.UNEXPECTED;
    }

    private static <T extends Throwable> @Nullable T cause(Throwable e, Class<T> type) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (type.isInstance(t)) {
                return type.cast(t);
            }
        }
        return null;
    }

    /** The file system's class that Hadoop is configured for and cannot load; null if it is not that. */
    private static @Nullable String missingConnector(Throwable e) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            String said = String.valueOf(t.getMessage());
            if (t instanceof ClassNotFoundException && said.contains("FileSystem")) {
                return said.replace("Class ", "").replace(" not found", "");
            }
        }
        return null;
    }

    private static String oneLine(String text) {
        String line = text.lines().findFirst().orElse("").strip();
        return line.length() <= MAX_LINE ? line : line.substring(0, MAX_LINE) + "...";
    }
}
