package io.kvscale.job.command;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.job.checkpoint.Checkpoint;
import io.kvscale.job.console.Console;
import io.kvscale.job.console.ExportPrinter;
import io.kvscale.job.export.ExportRecord;
import io.kvscale.job.export.OutputFolder;
import io.kvscale.job.merge.ExportedFiles;
import io.kvscale.job.merge.ModelMerger;
import io.kvscale.job.target.ModelExporter;
import io.kvscale.job.target.ScaleExporter;
import io.kvscale.job.target.Targets;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.quant.ScaleConvention;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Writes scales as a serving engine loads them. Does not start Spark. */
@Command(
        name = "export",
        description = "Writes scales as a serving engine loads them, alone or merged into a model's folder.")
public final class ExportCommand extends CommandPart implements Callable<Integer> {
    private static final Pattern LAYERS = Pattern.compile("(\\d{1,4})(?:-(\\d{1,4}))?");

    @Option(
            names = "--scales",
            required = true,
            paramLabel = "DIR",
            description = "A result folder, or a kv_scales.json.")
    private String scales = "";

    @Option(
            names = "--for",
            required = true,
            paramLabel = "TARGET",
            description = "The engine and its format, see below.")
    private String target = "";

    @Option(
            names = "--output",
            required = true,
            paramLabel = "DIR",
            description = "The new folder. It appears when it is complete, or not at all.")
    private String output = "";

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description =
                    "The local folder of the model, with config.json and *.safetensors. It is not changed: the new"
                            + " folder holds links to its files, the scales, and edited copies of its configs.")
    private @Nullable String model;

    @Option(names = "--copy", description = "With --model: copy the model's files instead of linking to them.")
    private boolean copy;

    @Option(
            names = "--prefix",
            paramLabel = "NAME",
            description = "The attention module of a layer, with {} for its number, such as model.layers.{}.self_attn."
                    + " Default: found in the model.")
    private @Nullable String prefix;

    @Option(
            names = "--skip-layers",
            paramLabel = "N|N-M",
            split = ",",
            description = "With --model: the layers without scales, which the engine keeps in 16 bits, separated by"
                    + " commas.")
    private List<String> skipLayers = new ArrayList<>();

    @Option(names = "--overwrite", description = "Replace an existing folder of exported files.")
    private boolean overwrite;

    @Option(names = "--quiet", description = "Print errors only.")
    private boolean quiet;

    /** Lists the targets below the options of the help. */
    @Spec
    void listTargets(CommandSpec spec) {
        List<String> lines = new ArrayList<>(List.of("", "Targets:"));
        Targets.ALL.forEach(exporter -> lines.add("  %-24s %s".formatted(exporter.target(), exporter.summary())));
        spec.usageMessage().footer(lines.toArray(String[]::new));
    }

    @Override
    public Integer call() {
        ScaleExporter exporter = exporter();
        checkOptions(exporter);
        Configuration hadoop = new Configuration();
        Console console = console(quiet);
        PathContent.Scales found = scales(hadoop, console);
        ModelMerger merger =
                model == null ? null : new ModelMerger(Checkpoint.read(model), (ModelExporter) exporter, copy);
        String refusal = merger == null ? exporter.refusal(found.table()) : merger.refusal(found.table());
        if (refusal != null) {
            throw new InvalidDataException(
                    Targets.refused(found.table(), refusal).problem().inFile(scales));
        }
        ScaleTable table = solved(found, exporter, hadoop, console);
        ExportedFiles files = merger == null ? alone(table, exporter) : merger.merge(table, prefix, skipped());
        ExportRecord record =
                new ExportRecord(target, table.sha256(), table.provenance().model(), new TreeSet<>(files.names()));
        List<String> inputs = model == null ? List.of(scales) : List.of(scales, model);
        try (OutputFolder folder = OutputFolder.forExport(output, overwrite, inputs, record, hadoop)) {
            files.written().forEach(folder::write);
            List<String> written = folder.paths();
            files.kept().forEach(copy ? folder::copy : folder::link);
            folder.commit();
            files.notices().forEach(console::say);
            if (!quiet) {
                new ExportPrinter(out(), copy).print(exporter, table, files, folder.path(), written);
            }
        }
        out().flush();
        return ExitCode.DONE;
    }

    private ScaleExporter exporter() {
        return Targets.ALL.stream()
                .filter(exporter -> exporter.target().equals(target))
                .findFirst()
                .orElseThrow(() -> error("--for '" + DataProblem.shown(target) + "' is no target; the targets are "
                        + String.join(
                                ", ",
                                Targets.ALL.stream().map(ScaleExporter::target).toList())));
    }

    private void checkOptions(ScaleExporter exporter) {
        for (String option : List.of("--copy", "--skip-layers")) {
            if (model == null && isGiven(option)) {
                throw error(option + " goes with --model");
            }
        }
        if (model != null && !(exporter instanceof ModelExporter)) {
            throw error("--for " + target + " writes files that do not go into a model's folder: leave out --model");
        }
    }

    private PathContent.Scales scales(Configuration hadoop, Console console) {
        PathContent content = PathContent.read(scales, hadoop);
        if (content instanceof PathContent.Scales found) {
            found.warnings().forEach(console::warn);
            return found;
        }
        throw new InvalidOptionException(
                "--scales " + DataProblem.shown(scales) + " is " + content.kind() + ", not a scale table",
                "name a result folder of calibrate or scales, or its kv_scales.json");
    }

    /** The table under the convention of the target. */
    private ScaleTable solved(PathContent.Scales found, ScaleExporter exporter, Configuration hadoop, Console console) {
        ScaleTable table = found.table();
        ScaleConvention convention = exporter.convention();
        boolean reads = convention.needsStatistics(table) && HadoopFiles.status(found.statistics(), hadoop) != null;
        CalibrationStatistics statistics = reads ? HadoopFiles.statistics(found.statistics(), hadoop) : null;
        ScaleTable solved = HadoopFiles.withFile(scales, () -> convention.apply(table, statistics));
        if (solved != table) {
            console.say(
                    "the scales are solved again, because those of " + exporter.engine() + " have another convention");
        }
        return solved;
    }

    private ExportedFiles alone(ScaleTable table, ScaleExporter exporter) {
        AttentionNames names = prefix == null ? AttentionNames.PLAIN : AttentionNames.named(prefix);
        return ExportedFiles.alone(exporter, table, names);
    }

    /** The layers of {@code --skip-layers}. */
    private SortedSet<Integer> skipped() {
        SortedSet<Integer> layers = new TreeSet<>();
        for (String part : skipLayers) {
            Matcher range = LAYERS.matcher(part.strip());
            int first = range.matches() ? Integer.parseInt(range.group(1)) : -1;
            int last = first < 0 || range.group(2) == null ? first : Integer.parseInt(range.group(2));
            if (first < 0 || last < first) {
                throw error("--skip-layers: '" + DataProblem.shown(part)
                        + "' is neither the number of a layer nor a range such as 0-3");
            }
            for (int layer = first; layer <= last; layer++) {
                layers.add(layer);
            }
        }
        return layers;
    }
}
