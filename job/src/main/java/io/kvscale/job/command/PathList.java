package io.kvscale.job.command;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Stack;
import picocli.CommandLine.IParameterPreprocessor;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/**
 * Lets {@code --} follow an option that takes several paths: all words after it are paths, also those that begin with
 * a hyphen. picocli by itself ends the option's values at {@code --}.
 */
final class PathList implements IParameterPreprocessor {
    private static final String END_OF_OPTIONS = "--";

    @Override
    @SuppressWarnings("JdkObsolete") // picocli's type
    public boolean preprocess(
            Stack<String> arguments, CommandSpec command, ArgSpec option, Map<String, Object> information) {
        if (arguments.isEmpty() || !arguments.peek().equals(END_OF_OPTIONS)) {
            return false;
        }
        arguments.pop();
        if (arguments.isEmpty()) {
            throw new ParameterException(command.commandLine(), "no path follows --");
        }
        Collection<String> given = option.getValue();
        List<String> paths = new ArrayList<>(given);
        while (!arguments.isEmpty()) {
            paths.add(arguments.pop());
        }
        option.setValue(paths);
        return true;
    }
}
