package io.kvscale.job;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.command.ExitCode;
import io.kvscale.job.export.OutputException;
import io.kvscale.job.recipe.RecipeException;
import io.kvscale.job.spark.SettingErrors;
import io.kvscale.task.UnsavedCaptureException;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Turns exceptions into an exit code and one to three lines on standard error. Exceptions about input, recipe or output
 * have a message for the user and a code of their own; all others are bugs, or failures of Spark.
 */
final class ErrorReporter {
    private static final int MAX_LINE = 500;
    private static final Pattern UNKNOWN = Pattern.compile("^Unknown option: '([^']*)'");
    private static final String MORE_MEMORY =
            "the heap with KVSCALE_JAVA_OPTS=-Xmx8g, or --driver-memory and --executor-memory of spark-submit";

    private ErrorReporter() {}

    /** Reports a command line that cannot be parsed. */
    static int usage(ParameterException e, String[] args) {
        CommandLine command = e.getCommandLine();
        PrintWriter err = command.getErr();
        UnmatchedArgumentException unknown = unknown(e);
        err.println("kvscale: " + oneLine(unknown == null ? message(e) : message(unknown)));
        List<String> near = unknown == null ? List.of() : unknown.getSuggestions();
        if (!near.isEmpty()) {
            err.println("  did you mean "
                    + near.stream().limit(3).map(ErrorReporter::oneLine).collect(Collectors.joining(" or ")) + "?");
        }
        err.println("  see " + command.getCommandSpec().qualifiedName() + " --help");
        err.flush();
        return ExitCode.USAGE;
    }

    /**
     * The words that no command takes; null if there are none. They are reported before a missing option, which may be
     * one of them, mistyped.
     */
    private static @Nullable UnmatchedArgumentException unknown(ParameterException e) {
        if (e instanceof UnmatchedArgumentException unmatched) {
            if (!unmatched.getUnmatched().isEmpty()) {
                return unmatched;
            }
            // After an option that takes several values picocli names the unknown option only in its message.
            Matcher named = UNKNOWN.matcher(message(e));
            return named.find() ? new UnmatchedArgumentException(e.getCommandLine(), List.of(named.group(1))) : null;
        }
        if (e instanceof MissingParameterException) {
            for (CommandLine line = e.getCommandLine(); line != null; line = line.getParent()) {
                if (!line.getUnmatchedArguments().isEmpty()) {
                    return new UnmatchedArgumentException(line, line.getUnmatchedArguments());
                }
            }
        }
        return null;
    }

    private static String message(UnmatchedArgumentException e) {
        String word = DataProblem.shown(e.getUnmatched().get(0));
        if (e.isUnknownOption()) {
            return "unknown option '" + word + "'";
        }
        boolean atTop = e.getCommandLine().getParent() == null;
        return (atTop ? "unknown command '" : "unexpected argument '") + word + "'";
    }

    private static String message(ParameterException e) {
        String message = e.getMessage();
        return message == null ? e.toString() : message.replaceFirst("^Error: ", "");
    }

    /**
     * Reports a command that failed while it ran.
     *
     * @param settings the Spark properties of the command line
     * @param log also gets the failure
     */
    static int report(Throwable e, PrintWriter err, boolean debug, Map<String, String> settings, FailureLog log) {
        if (debug) {
            e.printStackTrace(err);
        }
        Failure failure = failure(e, debug, settings);
        err.println("kvscale: " + failure.message);
        err.flush();
        log.failed(failure.code, failure.message);
        return failure.code;
    }

    /** Keeps failures. */
    interface FailureLog {
        void failed(int exitCode, String message);
    }

    private record Failure(int code, String message) {}

    private static Failure failure(Throwable e, boolean debug, Map<String, String> settings) {
        String message = String.valueOf(e.getMessage());
        // Words of an input are no sign of a wrong property.
        InvalidOptionException setting =
                e instanceof InvalidDataException || e instanceof InvalidOptionException || e instanceof RecipeException
                        ? null
                        : SettingErrors.explained(settings, e);
        if (setting != null) {
            return new Failure(ExitCode.USAGE, String.valueOf(setting.getMessage()));
        }
        for (Throwable t = e; t != null; t = t.getCause()) {
            String said = String.valueOf(t.getMessage());
            if (t instanceof ClassNotFoundException && said.contains("FileSystem")) {
                String name = said.replace("Class ", "").replace(" not found", "");
                return new Failure(
                        e instanceof OutputException ? ExitCode.OUTPUT : ExitCode.DATA,
                        "the file system class " + oneLine(name) + " is not on the class path\n"
                                + "  add its jars with KVSCALE_CLASSPATH, or with spark-submit --packages or --jars;"
                                + " job/docs/object-stores.md names those of s3a");
            }
            if (t instanceof UnsavedCaptureException) {
                return new Failure(
                        ExitCode.OUTPUT,
                        oneLine(said) + "\n  check free space and permissions, or name another --save-captures");
            }
        }
        OutOfMemoryError noMemory = outOfMemory(e);
        if (noMemory != null) {
            return new Failure(
                    ExitCode.USAGE,
                    "not enough memory: " + oneLine(String.valueOf(noMemory.getMessage())) + ", with a heap of "
                            + Runtime.getRuntime().maxMemory() / (1 << 20) + " MB\n"
                            + "  raise " + MORE_MEMORY);
        }
        if (message.contains("SparkContext was shut down")) {
            return new Failure(
                    ExitCode.UNEXPECTED,
                    "interrupted before the end; nothing was written\n"
                            + "  by a signal, or because a task had too little memory: then raise "
                            + MORE_MEMORY);
        }
        if (e instanceof InvalidDataException) {
            return new Failure(ExitCode.DATA, message);
        }
        if (e instanceof RecipeException || e instanceof InvalidOptionException) {
            return new Failure(ExitCode.USAGE, message);
        }
        if (e instanceof OutputException) {
            return new Failure(ExitCode.OUTPUT, message);
        }
        if (message.contains("No space left on device")) {
            return new Failure(
                    ExitCode.UNEXPECTED,
                    "the disk with the temporary files of Spark is full\n  free space on the disk of "
                            + System.getProperty("java.io.tmpdir")
                            + ", or name another folder with --conf spark.local.dir=DIR");
        }
        return new Failure(
                ExitCode.UNEXPECTED,
                "unexpected failure: " + oneLine(e.toString()) + (debug ? "" : " (--debug shows the stack trace)"));
    }

    private static @Nullable OutOfMemoryError outOfMemory(Throwable e) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof OutOfMemoryError found) {
                return found;
            }
        }
        return null;
    }

    private static String oneLine(String text) {
        String line = DataProblem.printable(text.lines().findFirst().orElse("").strip());
        return line.length() <= MAX_LINE ? line : line.substring(0, MAX_LINE) + "...";
    }
}
