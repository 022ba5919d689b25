package io.kvscale.job.command;

import io.kvscale.job.console.Console;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A command, or a group of options that several commands include. */
abstract class CommandPart {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec self;

    /** The command that includes this group of options; null for a command. */
    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec including;

    private CommandLine line() {
        return (including == null ? self : including).commandLine();
    }

    /** Standard output. */
    final PrintWriter out() {
        return line().getOut();
    }

    /**
     * Notices, warnings and progress on standard error.
     *
     * @param quiet whether to print none of them
     */
    final Console console(boolean quiet) {
        return new Console(line().getErr(), quiet);
    }

    /** The class whose main method runs the command line. */
    final Class<?> mainClass() {
        return line().getCommandSpec().root().userObject().getClass();
    }

    final boolean isGiven(String option) {
        return line().getParseResult().hasMatchedOption(option);
    }

    /** An error of usage, which is reported with a hint at {@code --help}. */
    final ParameterException error(String message) {
        return new ParameterException(line(), message);
    }
}
