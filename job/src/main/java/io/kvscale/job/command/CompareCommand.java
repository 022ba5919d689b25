package io.kvscale.job.command;

import io.kvscale.job.console.ScaleComparison;
import io.kvscale.job.console.StatisticsComparison;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Compares two results. */
@Command(
        name = "compare",
        description = "Compares two scale tables or two statistics files.",
        footer = {
            "Exit code: 0 if equal bit for bit, 10 if different. For scale tables every number of every slot",
            "is compared. Sample names and the corpus are not; a corpus that differs is shown. The last line",
            "says whether the scales are equal, and how far apart they are."
        })
public final class CompareCommand extends CommandPart implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "A", description = "A result folder, kv_scales.json or statistics file.")
    private String first = "";

    @Parameters(index = "1", paramLabel = "B", description = "The result to compare with.")
    private String second = "";

    @Mixin
    private ConfArgument conf = new ConfArgument();

    @Override
    public Integer call() {
        Configuration hadoop = conf.hadoop();
        PathContent a = PathContent.read(first, hadoop);
        PathContent b = PathContent.read(second, hadoop);
        PrintWriter out = out();
        boolean equal;
        if (a instanceof PathContent.Scales x && b instanceof PathContent.Scales y) {
            warn(first, x.warnings());
            warn(second, y.warnings());
            equal = ScaleComparison.print(x.table(), y.table(), out);
        } else if (a instanceof PathContent.Statistics x && b instanceof PathContent.Statistics y) {
            equal = Arrays.equals(x.statistics().toByteArray(), y.statistics().toByteArray());
            StatisticsComparison.print(x.statistics(), y.statistics(), equal, out);
        } else {
            throw error("A and B must be two scale tables or two statistics files; A is " + a.kind() + ", B is "
                    + b.kind());
        }
        out.flush();
        return equal ? ExitCode.DONE : ExitCode.DIFFERENT;
    }

    private void warn(String name, List<String> warnings) {
        warnings.forEach(warning -> console(false).warn(name + ": " + warning));
    }
}
