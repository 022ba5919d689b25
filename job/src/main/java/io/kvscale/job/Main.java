package io.kvscale.job;

import io.kvscale.job.command.AdviseCommand;
import io.kvscale.job.command.BenchCommand;
import io.kvscale.job.command.CalibrateCommand;
import io.kvscale.job.command.CheckCommand;
import io.kvscale.job.command.CompareCommand;
import io.kvscale.job.command.ConfArgument;
import io.kvscale.job.command.DriftCommand;
import io.kvscale.job.command.EvaluateCommand;
import io.kvscale.job.command.ExitCode;
import io.kvscale.job.command.ExportCommand;
import io.kvscale.job.command.InspectCommand;
import io.kvscale.job.command.MergeCommand;
import io.kvscale.job.command.ScalesCommand;
import io.kvscale.job.command.StateCommand;
import io.kvscale.job.command.Version;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command {@code kvscale}: runs one command line. Holds the options that all subcommands share. */
@Command(
        name = "kvscale",
        description = "Calibrates the scales of a quantized KV cache on Apache Spark.",
        synopsisSubcommandLabel = "COMMAND",
        versionProvider = Version.class,
        subcommands = {
            CalibrateCommand.class,
            ScalesCommand.class,
            MergeCommand.class,
            ExportCommand.class,
            AdviseCommand.class,
            EvaluateCommand.class,
            InspectCommand.class,
            CheckCommand.class,
            CompareCommand.class,
            DriftCommand.class,
            StateCommand.class,
            BenchCommand.class,
        })
public final class Main implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @SuppressWarnings("unused") // picocli acts on it
    @Option(names = "--help", usageHelp = true, scope = ScopeType.INHERIT, description = "Show this help.")
    private boolean help;

    @SuppressWarnings("unused") // picocli acts on it
    @Option(names = "--version", versionHelp = true, description = "Show the versions of kvscale, Spark and Java.")
    private boolean version;

    @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Show the stack trace of an error.")
    private boolean debug;

    public static void main(String[] args) {
        int code = run(System.out, System.err, args);
        // In cluster mode YARN and Kubernetes count any call of System.exit as a failure, even exit(0).
        if (code != ExitCode.DONE) {
            System.exit(code);
        }
    }

    /** Runs one command line; never throws. */
    static int run(PrintStream out, PrintStream err, String... args) {
        Main main = new Main();
        PrintWriter results = new PrintWriter(out, true, StandardCharsets.UTF_8);
        PrintWriter errors = new PrintWriter(err, true, StandardCharsets.UTF_8);
        try {
            int code = List.of(args).equals(List.of("--version"))
                    ? printVersion(results)
                    : main.commandLine(args, results, errors).execute(args);
            if (results.checkError() && code == ExitCode.DONE) {
                errors.println("kvscale: cannot print the result: writing to standard output failed");
                return ExitCode.UNEXPECTED;
            }
            return code;
        } catch (Throwable e) {
            return ErrorReporter.report(e, errors, main.debug, Map.of(), log(main.calibrate()));
        }
    }

    /** Errors that are no exceptions, such as a full heap, do not say which command failed. */
    private @Nullable Object calibrate() {
        CommandLine calibrate = spec == null ? null : spec.subcommands().get("calibrate");
        return calibrate == null ? null : calibrate.getCommand();
    }

    private static ErrorReporter.FailureLog log(@Nullable Object command) {
        return command instanceof CalibrateCommand calibrate ? calibrate::failed : (code, message) -> {};
    }

    /** Prints what picocli would print, without the time that it needs to read all commands. */
    private static int printVersion(PrintWriter results) {
        for (String line : new Version().getVersion()) {
            results.println(line);
        }
        return ExitCode.DONE;
    }

    private CommandLine commandLine(String[] args, PrintWriter results, PrintWriter errors) {
        CommandLine line = new CommandLine(this)
                .setOut(results)
                .setErr(errors)
                .setUsageHelpWidth(100)
                .setAbbreviatedSubcommandsAllowed(false)
                // A mistyped option after --input PATH is not one more path.
                .setUnmatchedOptionsAllowedAsOptionParameters(false)
                // A shell's glob passes a downloaded file named @x; its text must not become options.
                .setExpandAtFiles(false)
                .setParameterExceptionHandler(ErrorReporter::usage)
                .setExecutionExceptionHandler((e, command, parsed) -> ErrorReporter.report(
                        e, errors, debug, ConfArgument.settings(command), log(command.getCommand())));
        FilesNamedAsOptions.refuse(args);
        return line;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "no command is given");
    }
}
