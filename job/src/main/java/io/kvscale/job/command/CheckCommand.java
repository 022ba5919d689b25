package io.kvscale.job.command;

import io.kvscale.job.check.CheckResult;
import io.kvscale.job.check.ExpectedScales;
import io.kvscale.job.check.ScaleCheck;
import io.kvscale.job.checkpoint.Checkpoint;
import io.kvscale.job.console.CheckPrinter;
import io.kvscale.job.console.Console;
import io.kvscale.job.target.Targets;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Slot;
import java.io.PrintWriter;
import java.util.Iterator;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Says which scales an engine would run a model folder with. */
@Command(
        name = "check",
        description = "Says which scale each layer of a model folder would run with in a serving engine: the value, 1.0"
                + " and why, or refused and why.",
        footer = {
            "The rules of the engine's loader are replayed on names and configs, whoever wrote the folder.",
            "Weights are not read. Exit code: 0 if every attention layer runs with its scales, 10 if one",
            "would run with 1.0, be refused or differ from --scales."
        })
public final class CheckCommand extends CommandPart implements Callable<Integer> {
    @Option(
            names = "--model",
            required = true,
            paramLabel = "DIR",
            description = "The local folder of the model, with config.json and *.safetensors.")
    private String model = "";

    @Option(
            names = "--for",
            paramLabel = "ENGINE",
            completionCandidates = EngineNames.class,
            description = "The engine: ${COMPLETION-CANDIDATES}. Default: vllm.")
    private String engine = "vllm";

    @Option(
            names = "--scales",
            paramLabel = "DIR",
            description = "A result folder or kv_scales.json: the scales that the model should have, bit for bit.")
    private @Nullable String scales;

    @Mixin
    private LayerArguments layers = new LayerArguments();

    @Mixin
    private ConfArgument conf = new ConfArgument();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    /** The values of {@code --for} that its help lists. */
    static final class EngineNames implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return ScaleCheck.targets().iterator();
        }
    }

    @Override
    public Integer call() {
        if (!ScaleCheck.targets().contains(engine)) {
            throw error("--for must be " + String.join(", ", ScaleCheck.targets()) + "; got '"
                    + DataProblem.shown(engine) + "'");
        }
        Checkpoint checkpoint = Checkpoint.read(model);
        ExpectedScales expected = scales == null ? null : expected(scales, console(json));
        boolean queries = expected != null && expected.hasQueries();
        CheckResult found = ScaleCheck.run(engine, checkpoint, layers.names(checkpoint), layers.skipped(), queries);
        CheckResult result = expected == null ? found : expected.compare(found);
        PrintWriter out = out();
        if (json) {
            out.print(CheckPrinter.json(model, result));
        } else {
            CheckPrinter.print(model, result, out);
        }
        out.flush();
        return result.isOk() ? ExitCode.DONE : ExitCode.DIFFERENT;
    }

    /** The scales under the convention of the engine, as {@code export} writes them. */
    private ExpectedScales expected(String path, Console console) {
        Configuration hadoop = conf.hadoop();
        ScaleTable table = PathContent.scales(path, hadoop, console).forTarget(Targets.named(engine), hadoop);
        SortedMap<Slot, float[]> expected = new TreeMap<>();
        table.slots().forEach((slot, scales) -> expected.put(slot, scales.scale()));
        return new ExpectedScales(expected);
    }
}
