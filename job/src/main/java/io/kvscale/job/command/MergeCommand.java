package io.kvscale.job.command;

import io.kvscale.job.export.OutputFile;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.RotaryPairs;
import io.kvscale.tensor.Slot;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.ToLongFunction;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Merges statistics of several corpora or sites into one file. Does not start Spark. */
@Command(
        name = "merge",
        description = "Merges statistics files of one model, from several corpora or sites, into one.",
        footer = {
            "The result is the file of one pass over all their captures or texts, bit for bit. Each value counts",
            "once, so a corpus weighs as much as it has values. FILE.sources.json beside the output lists the",
            "files with their counts. Statistics of minmax and memoryless_minmax are refused: they depend on the",
            "order of all batches, and batches of different corpora have none."
        })
public final class MergeCommand extends CommandPart implements Callable<Integer> {
    @Mixin
    private ConfArgument conf = new ConfArgument();

    @Parameters(arity = "2..*", paramLabel = "FILE", description = "statistics.kvstats of a calibration; two or more.")
    private List<String> files = new ArrayList<>();

    @Option(
            names = "--output",
            required = true,
            paramLabel = "FILE",
            description = "The merged statistics. The file appears when it is complete, or not at all.")
    private String output = "";

    @Option(names = "--overwrite", description = "Replace an existing statistics file.")
    private boolean overwrite;

    private final CalibrationStatistics merged = new CalibrationStatistics();
    /** The first file with each slot. */
    private final Map<Slot, String> firstWith = new TreeMap<>();

    private final MergeRecord record = new MergeRecord();

    @Override
    public Integer call() {
        Configuration hadoop = conf.hadoop();
        try (OutputFile list = OutputFile.open(MergeRecord.file(output), overwrite, "{", "--output", hadoop);
                OutputFile statistics =
                        OutputFile.open(output, overwrite, CalibrationStatistics.MAGIC, "--output", hadoop)) {
            for (String file : files) {
                HadoopFiles.withFile(file, () -> add(file, HadoopFiles.statistics(file, hadoop), hadoop));
            }
            byte[] bytes = merged.toByteArray();
            list.write(record.toJson(DigestUtils.sha256Hex(bytes)));
            statistics.write(bytes);
            PrintWriter out = out();
            out.println("merged " + files.size() + " files: " + merged.slots().size() + " slots, "
                    + most(merged, SlotStatistics::samples) + " samples, " + most(merged, SlotStatistics::tokens)
                    + " tokens");
            out.println("wrote " + statistics.path());
            out.println("wrote " + list.path());
            out.flush();
        }
        return ExitCode.DONE;
    }

    private CalibrationStatistics add(String file, CalibrationStatistics added, Configuration hadoop) {
        added.slots().forEach((slot, seen) -> check(file, slot, seen));
        if (!record.isEmpty() && !added.slots().keySet().equals(firstWith.keySet())) {
            console(false).warn(file + " and the files before it differ in their layers");
        }
        Map<String, Object> source = new LinkedHashMap<>();
        source.put("fingerprint", added.corpus().fingerprintHex());
        source.put("files", added.corpus().files());
        source.put("samples", most(added, SlotStatistics::samples));
        source.put("tokens", most(added, SlotStatistics::tokens));
        source.put(
                "values",
                added.slots().values().stream()
                        .mapToLong(SlotStatistics::finite)
                        .sum());
        record.add(file, DigestUtils.sha256Hex(added.toByteArray()), source, hadoop);
        added.slots().keySet().forEach(slot -> firstWith.putIfAbsent(slot, file));
        try {
            merged.merge(added);
        } catch (ArithmeticException e) {
            throw new InvalidDataException(
                    "the sum of the counts exceeds " + Long.MAX_VALUE,
                    "no corpus holds so many values: check the file");
        }
        return merged;
    }

    /** @throws InvalidDataException if the slot cannot be added to that of the files before */
    private void check(String file, Slot slot, SlotStatistics added) {
        if (added.batchPolicy() != null) {
            throw problem(
                    slot,
                    "it keeps the ranges of single batches, for minmax or memoryless_minmax. They depend on the order of"
                            + " all batches, and batches of different corpora have none",
                    "calibrate with another observer, or once over all captures");
        }
        SlotStatistics present = merged.slots().get(slot);
        if (present == null) {
            return;
        }
        String first = DataProblem.shown(String.valueOf(firstWith.get(slot)));
        if (!present.geometry().equals(added.geometry())) {
            throw problem(
                    slot,
                    "this slot is " + added.geometry() + " here, but " + present.geometry() + " in " + first,
                    "merge statistics of one model in one dtype only");
        }
        if (!present.hasHistogramsLike(added)) {
            throw problem(
                    slot,
                    "this file holds " + (added.hasHistograms() ? "histograms, and " : "ranges only, and ") + first
                            + (added.hasHistograms() ? " ranges only" : " histograms"),
                    "calibrate both with the same statistics under kvscale");
        }
        if (!present.hasNormsLike(added)) {
            throw problem(
                    slot,
                    "this file holds " + norms(added) + ", and " + first + " " + norms(present),
                    "calibrate both with the same statistics and pairs under kvscale, or the same config.json");
        }
    }

    private static String norms(SlotStatistics seen) {
        RotaryPairs pairs = seen.pairs();
        return pairs == null ? "no norms of RoPE pairs" : "norms of RoPE pairs, " + pairs.described();
    }

    private static InvalidDataException problem(Slot slot, String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy).inSlot(slot));
    }

    private static long most(CalibrationStatistics statistics, ToLongFunction<SlotStatistics> count) {
        return statistics.slots().values().stream().mapToLong(count).max().orElse(0);
    }
}
