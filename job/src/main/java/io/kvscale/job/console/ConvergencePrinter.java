package io.kvscale.job.console;

import io.kvscale.job.convergence.Convergence;
import io.kvscale.job.convergence.PartSize;
import io.kvscale.job.convergence.SlotCurve;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/** Prints how the scales of the worst slots change with the number of tokens. */
public final class ConvergencePrinter {
    private static final int SLOTS = 5;
    private static final int POINTS = 6;

    private ConvergencePrinter() {}

    public static void print(Convergence curves, PrintWriter out) {
        List<PartSize> sizes = curves.sizes();
        if (curves.isStable()) {
            out.println(curves.verdict()); // else it is a warning already
        }
        if (sizes.size() < 2) {
            return;
        }
        int first = Math.max(0, sizes.size() - 1 - POINTS);
        List<String> heading = new ArrayList<>(List.of("difference of scales after"));
        sizes.subList(first, sizes.size() - 1).forEach(size -> heading.add(size.tokens() + " tokens"));
        TextTable table = new TextTable(heading.toArray(String[]::new));
        for (SlotCurve curve : curves.worstFirst()
                .subList(0, Math.min(SLOTS, curves.worstFirst().size()))) {
            List<String> row = new ArrayList<>(List.of(curve.slot().toString()));
            for (int i = first; i < sizes.size() - 1; i++) {
                row.add(Convergence.percent(curve.change()[i]));
            }
            table.row(row.toArray());
        }
        table.print(out);
    }
}
