package io.kvscale.job;

import io.kvscale.job.command.AdviseCommand;
import io.kvscale.job.command.BenchCommand;
import io.kvscale.job.command.CalibrateCommand;
import io.kvscale.job.command.CompareCommand;
import io.kvscale.job.command.EvaluateCommand;
import io.kvscale.job.command.ExitCode;
import io.kvscale.job.command.InspectCommand;
import io.kvscale.job.command.ScalesCommand;
import io.kvscale.job.command.Version;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command {@code kvscale}: what stands here is common to every subcommand. */
@Command(
        name = "kvscale",
        description = "Calibrates the scales of a quantized KV cache on Apache Spark.",
        synopsisSubcommandLabel = "COMMAND",
        versionProvider = Version.class,
        subcommands = {
            CalibrateCommand.class,
            ScalesCommand.class,
            AdviseCommand.class,
            EvaluateCommand.class,
            InspectCommand.class,
            CompareCommand.class,
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
    @Option(names = "--version", versionHelp = true, description = "Show the versions, on one line.")
    private boolean version;

    @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Show the stack trace of a failure.")
    private boolean debug;

    public static void main(String[] args) {
        int code = run(System.out, System.err, args);
        // A cluster manager that runs the driver takes a call of exit for a failure, whatever the number.
        if (code != ExitCode.DONE) {
            System.exit(code);
        }
    }

    /** Runs one command line; never throws. */
    static int run(PrintStream out, PrintStream err, String... args) {
        Main main = new Main();
        PrintWriter errors = new PrintWriter(err, true, StandardCharsets.UTF_8);
        try {
            CommandLine line = new CommandLine(main)
                    .setOut(new PrintWriter(out, true, StandardCharsets.UTF_8))
                    .setErr(errors)
                    .setUsageHelpWidth(100)
                    .setAbbreviatedSubcommandsAllowed(false)
                    .setParameterExceptionHandler(ErrorReporter::usage)
                    .setExecutionExceptionHandler((e, command, parsed) -> ErrorReporter.report(e, errors, main.debug));
            int code = line.execute(args);
            if (line.getOut().checkError() && code == ExitCode.DONE) {
                errors.println("kvscale: the result cannot be shown: writing to standard output failed");
                return ExitCode.UNEXPECTED;
            }
            return code;
        } catch (Throwable e) {
            return ErrorReporter.report(e, errors, main.debug);
        }
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }
}
