package io.kvscale.job.command;

import io.kvscale.job.check.ScaleCheck;
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
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Writes scales as a serving engine loads them. Does not start Spark. */
@Command(
        name = "export",
        description = "Writes scales as a serving engine loads them, alone or merged into a model's folder.")
public final class ExportCommand extends CommandPart implements Callable<Integer> {
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
            converter = TargetWord.class,
            description = "The engine and its format, see below.")
    private ScaleExporter exporter = Targets.ALL.get(0);

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

    @Mixin
    private LayerArguments layers = new LayerArguments();

    @Option(names = "--overwrite", description = "Replace an existing folder of exported files.")
    private boolean overwrite;

    @Mixin
    private ConfArgument conf = new ConfArgument();

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
        checkOptions();
        Configuration hadoop = conf.hadoop();
        Console console = console(quiet);
        PathContent.Scales found = PathContent.scales(scales, hadoop, console);
        ModelMerger merger =
                model == null ? null : new ModelMerger(Checkpoint.read(model), (ModelExporter) exporter, copy);
        ScaleTable readable = exporter.readable(found.table());
        String refusal = merger == null ? exporter.refusal(readable) : merger.refusal(readable);
        if (refusal != null) {
            throw new InvalidDataException(
                    Targets.refused(readable, refusal).problem().inFile(scales));
        }
        ScaleTable table = HadoopFiles.withFile(scales, () -> found.forTarget(exporter, hadoop));
        sayChanges(found.table(), table, console);
        ExportedFiles files = merger == null
                ? ExportedFiles.alone(exporter, table, layers.names())
                : merger.merge(table, layers.names(merger.model()), layers.skipped());
        ExportRecord record = new ExportRecord(
                exporter.target(), table.sha256(), table.provenance().model(), files.scales(), files.names());
        List<String> inputs = model == null ? List.of(scales) : List.of(scales, model);
        try (OutputFolder folder = OutputFolder.forExport(output, overwrite, inputs, record, hadoop)) {
            files.written().forEach(folder::write);
            List<String> written = folder.paths();
            files.kept().forEach(copy ? folder::copy : folder::link);
            if (merger != null) {
                checkMerged(folder.staging(), table, console);
            }
            folder.commit();
            files.notices().forEach(console::say);
            if (!quiet) {
                new ExportPrinter(out(), copy).print(exporter, table, files, folder.path(), written);
            }
        }
        out().flush();
        return ExitCode.DONE;
    }

    private void sayChanges(ScaleTable before, ScaleTable after, Console console) {
        if (after.slots().size() < before.slots().size()) {
            console.say("q_scale is left out: " + exporter.engine() + " does not read it");
        }
        if (!after.sha256().equals(before.sha256())) {
            console.say(
                    "the scales are solved again, because those of " + exporter.engine() + " have another convention");
        }
    }

    /**
     * Replays the engine's rules on the merged folder before it appears.
     *
     * @throws InvalidDataException if the engine would not load the scales, as with a class of the model that ignores them
     */
    private void checkMerged(String staging, ScaleTable table, Console console) {
        String folder = new org.apache.hadoop.fs.Path(staging).toUri().getPath();
        if (!ScaleCheck.targets().contains(exporter.target()) || !Files.isDirectory(Path.of(folder))) {
            return;
        }
        Checkpoint merged = Checkpoint.read(folder);
        ScaleCheck.run(exporter.target(), merged, layers.names(merged), layers.skipped()).layers().stream()
                .flatMap(layer -> layer.slots().entrySet().stream())
                .filter(slot -> !slot.getValue().state().isOk())
                .findFirst()
                .ifPresent(slot -> {
                    String what = exporter.engine() + " would not run " + slot.getKey() + " with its scale: "
                            + slot.getValue().reason();
                    if (exporter.usesScales(table.scheme())) {
                        throw new InvalidDataException(DataProblem.of(
                                        what,
                                        "nothing was written: keep the cache of this model in 16 bits there, or take another --for")
                                .inFile(String.valueOf(model)));
                    }
                    console.warn(what);
                });
    }

    private void checkOptions() {
        for (String option : List.of("--copy", "--skip-layers")) {
            if (model == null && isGiven(option)) {
                throw error(option + " goes with --model");
            }
        }
        if (model != null && !(exporter instanceof ModelExporter)) {
            throw error("--for " + exporter.target()
                    + " writes files that do not go into a model's folder: leave out --model");
        }
    }
}
