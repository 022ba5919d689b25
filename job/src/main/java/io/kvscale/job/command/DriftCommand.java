package io.kvscale.job.command;

import io.kvscale.job.command.AdviseCommand.PlainNumber;
import io.kvscale.job.console.DriftPrinter;
import io.kvscale.job.drift.Drift;
import io.kvscale.job.drift.DriftJson;
import io.kvscale.job.drift.DriftLimits;
import io.kvscale.job.drift.NamedStatistics;
import io.kvscale.job.export.OutputFile;
import io.kvscale.job.report.DriftReport;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Says whether deployed scales still fit newer data. Reads only statistics and scales; does not start Spark. */
@Command(
        name = "drift",
        description = "Says whether deployed scales still fit newer data, from the statistics of both.",
        footer = {
            "Exit code: 0; 11 if a slot exceeds a limit. Without limits it is 0. A slot at its limit does not",
            "exceed it. A value is clipped if it is beyond the last number of the codes by more than half of",
            "the last step."
        })
public final class DriftCommand extends CommandPart implements Callable<Integer> {
    @Mixin
    private ConfArgument conf = new ConfArgument();

    private static final String SCALES = "kv_scales.json";

    @Option(
            names = "--from",
            required = true,
            paramLabel = "OLD",
            description = "The older data: a statistics file, or a result folder that holds one.")
    private String from = "";

    @Option(
            names = "--to",
            required = true,
            paramLabel = "NEW",
            description = "The newer data: a statistics file, or a result folder that holds one.")
    private String to = "";

    @Option(
            names = "--scales",
            paramLabel = "DIR",
            description = "The deployed scales: a result folder or kv_scales.json. Default: kv_scales.json beside OLD.")
    private @Nullable String scales;

    @Option(
            names = DriftLimits.SATURATED,
            paramLabel = "SHARE",
            converter = PlainNumber.class,
            description = "The share of the newer values of a slot, from 0 to 1, that the deployed scales may clip.")
    private @Nullable BigDecimal saturated;

    @Option(
            names = DriftLimits.SQNR_LOSS,
            paramLabel = "DB",
            converter = PlainNumber.class,
            description = "The SQNR in decibels that the deployed scales of a slot may lose against scales that are"
                    + " fitted to the newer values. Needs histograms.")
    private @Nullable BigDecimal sqnrLoss;

    @Option(
            names = "--report",
            paramLabel = "FILE",
            description =
                    "Also write a page with charts, which needs no network. An older page of this name is replaced.")
    private @Nullable String report;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() {
        DriftLimits limits = limits();
        Configuration hadoop = conf.hadoop();
        try (OutputFile page =
                report == null ? null : OutputFile.open(report, true, DriftReport.START, "--report", hadoop)) {
            return compare(limits, page, hadoop);
        }
    }

    private int compare(DriftLimits limits, @Nullable OutputFile page, Configuration hadoop) {
        NamedStatistics older = statistics(from, hadoop);
        NamedStatistics newer = statistics(to, hadoop);
        String deployed = scales == null ? beside(older.file(), hadoop) : scales;
        ScaleTable table = PathContent.scales(deployed, hadoop, console(false)).table();
        Drift drift = Drift.of(table, older, newer, limits);
        if (!drift.unscaled().isEmpty()) {
            console(false)
                    .say(drift.unscaled().size() + " slots are not compared, because they have no scales: the first is "
                            + drift.unscaled().get(0));
        }
        Map<String, String> names = new LinkedHashMap<>();
        names.put("from", from);
        names.put("to", to);
        names.put("scales", deployed);
        String content = DriftJson.of(names, table.sha256(), drift);
        if (page != null) {
            page.write(DriftReport.html(content, Version.kvscale()));
        }
        PrintWriter out = out();
        if (json) {
            out.print(content);
        } else {
            DriftPrinter.print(names, drift, out);
            if (page != null) {
                out.println("wrote " + page.path());
            }
        }
        out.flush();
        return drift.isDrifted() ? ExitCode.DRIFTED : ExitCode.DONE;
    }

    private DriftLimits limits() {
        if (saturated != null && (saturated.signum() < 0 || saturated.compareTo(BigDecimal.ONE) > 0)) {
            throw error(DriftLimits.SATURATED + " is a share from 0 to 1, such as 0.0001 for 0.01 %; got " + saturated);
        }
        if (sqnrLoss != null && sqnrLoss.signum() < 0) {
            throw error(DriftLimits.SQNR_LOSS + " must be at least 0; got " + sqnrLoss);
        }
        return new DriftLimits(
                saturated == null ? null : (Double) saturated.doubleValue(),
                sqnrLoss == null ? null : (Double) sqnrLoss.doubleValue());
    }

    private static NamedStatistics statistics(String given, Configuration hadoop) {
        String file = PathContent.statisticsFile(given, hadoop);
        return new NamedStatistics(file, HadoopFiles.statistics(file, hadoop));
    }

    /** The scales beside a statistics file. */
    private static String beside(String statistics, Configuration hadoop) {
        String file = statistics.substring(0, statistics.lastIndexOf('/') + 1) + SCALES;
        if (HadoopFiles.status(file, hadoop) == null) {
            throw new InvalidDataException(DataProblem.of(
                            "there are no scales beside the statistics of --from",
                            "name the deployed scales with --scales: a result folder or a " + SCALES)
                    .inFile(file));
        }
        return file;
    }
}
