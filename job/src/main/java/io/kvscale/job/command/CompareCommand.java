package io.kvscale.job.command;

import io.kvscale.job.console.ScaleTablePrinter;
import io.kvscale.job.console.StatisticsPrinter;
import io.kvscale.job.console.TextTable;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Slot;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Compares two results. */
@Command(
        name = "compare",
        description = "Compares two scale tables or two statistics files.",
        footer = {
            "Exit code: 0 if equal bit for bit, 10 if different. For scale tables every number of every slot",
            "is compared. Sample names and the corpus are not; a corpus that differs is shown."
        })
public final class CompareCommand extends CommandPart implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "A", description = "A result folder, kv_scales.json or statistics file.")
    private String first = "";

    @Parameters(index = "1", paramLabel = "B", description = "The result to compare with.")
    private String second = "";

    @Override
    public Integer call() {
        Configuration hadoop = new Configuration();
        PathContent a = PathContent.read(first, hadoop);
        PathContent b = PathContent.read(second, hadoop);
        PrintWriter out = out();
        boolean equal;
        if (a instanceof PathContent.Scales x && b instanceof PathContent.Scales y) {
            equal = compare(x.table(), y.table(), out);
        } else if (a instanceof PathContent.Statistics x && b instanceof PathContent.Statistics y) {
            equal = Arrays.equals(x.statistics().toByteArray(), y.statistics().toByteArray());
            if (!equal) {
                show(first, x.statistics(), out);
                show(second, y.statistics(), out);
            }
        } else {
            throw error("A and B must be two scale tables or two statistics files");
        }
        out.println(equal ? "equal" : "different");
        out.flush();
        return equal ? ExitCode.DONE : ExitCode.DIFFERENT;
    }

    private static void show(String name, CalibrationStatistics statistics, PrintWriter out) {
        out.println(DataProblem.printable(name) + ":");
        StatisticsPrinter.print(statistics, true, out);
        StatisticsPrinter.printHistograms(statistics, out);
    }

    private static boolean compare(ScaleTable a, ScaleTable b, PrintWriter out) {
        TreeSet<Slot> slots = new TreeSet<>(a.slots().keySet());
        slots.addAll(b.slots().keySet());
        TextTable table = new TextTable("layer", "role", "A", "B", "");
        boolean equal = true;
        for (Slot slot : slots) {
            SlotScales x = a.slots().get(slot);
            SlotScales y = b.slots().get(slot);
            boolean same = same(x, y);
            equal &= same;
            table.row(
                    slot.layer(),
                    slot.role().word(),
                    x == null ? "-" : ScaleTablePrinter.scales(x),
                    y == null ? "-" : ScaleTablePrinter.scales(y),
                    same ? "" : "differs");
        }
        table.print(out);
        if (!a.corpus().equals(b.corpus())) {
            out.println("the corpus differs: " + a.corpus() + ", " + b.corpus());
        }
        return equal;
    }

    private static boolean same(@Nullable SlotScales a, @Nullable SlotScales b) {
        return a != null
                && b != null
                && a.scheme().equals(b.scheme())
                && a.geometry().equals(b.geometry())
                && Arrays.equals(a.scale(), b.scale())
                && Arrays.equals(a.zeroPoint(), b.zeroPoint())
                && Arrays.equals(a.rangeMin(), b.rangeMin())
                && Arrays.equals(a.rangeMax(), b.rangeMax())
                && Float.compare(a.min(), b.min()) == 0
                && Float.compare(a.max(), b.max()) == 0
                && a.count() == b.count()
                && a.nan() == b.nan()
                && a.infinite() == b.infinite();
    }
}
