package io.kvscale.job.command;

import io.kvscale.job.console.StatePrinter;
import io.kvscale.job.state.StateStore;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows, verifies and prunes the folder of {@code calibrate --state}. */
@Command(
        name = "state",
        description =
                "Shows what a folder of calibrate --state holds: groups of files or texts by what was looked for in them.",
        footer = {
            "recipe: the first digits of a hash of all that changes what a run finds. Runs with the same",
            "digits share groups. Exit code: 0, or 3 if --verify finds a damaged file."
        })
public final class StateCommand extends CommandPart implements Callable<Integer> {
    @Mixin
    private ConfArgument conf = new ConfArgument();

    @Parameters(index = "0", paramLabel = "DIR", description = "The folder, local or on a Hadoop file system.")
    private String folder = "";

    @Option(names = "--verify", description = "Read every file of the state, and check its checksum.")
    private boolean verify;

    @Option(
            names = "--prune",
            description =
                    "Remove the groups that no run can use again: a file of theirs is gone or has changed, or they"
                            + " are damaged. Groups of texts are removed only if they are damaged. Refused while a run"
                            + " uses the state.")
    private boolean prune;

    @Override
    public Integer call() {
        Configuration hadoop = conf.hadoop();
        if (prune) {
            StateStore.prune(folder, verify, hadoop)
                    .forEach((file, reason) -> out().println("removed " + file + ": " + reason));
        }
        StateStore.Content content = StateStore.read(folder, verify, hadoop);
        if (verify && !content.unusable().isEmpty()) {
            String first = content.unusable().firstKey();
            throw new InvalidDataException(DataProblem.of(
                            content.unusable().size() + " of "
                                    + (content.unusable().size()
                                            + content.groups().size())
                                    + " groups of this state cannot be used; the first is " + first + ": "
                                    + content.unusable().get(first),
                            "the next calibrate --state reads their files again; --prune removes them")
                    .inFile(folder));
        }
        StatePrinter.print(folder, content, out());
        out().flush();
        return ExitCode.DONE;
    }
}
