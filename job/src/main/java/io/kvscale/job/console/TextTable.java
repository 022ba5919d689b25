package io.kvscale.job.console;

import io.kvscale.tensor.DataProblem;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;

/** A table with aligned columns. The first row is the heading; numbers are right-aligned. */
public final class TextTable {
    private final List<String[]> rows = new ArrayList<>();

    public TextTable(String... heading) {
        rows.add(heading);
    }

    public void row(Object... cells) {
        String[] row = new String[cells.length];
        for (int i = 0; i < cells.length; i++) {
            row[i] = DataProblem.shown(String.valueOf(cells[i]));
        }
        rows.add(row);
    }

    /** A number with two decimals, the same on every JDK. */
    static String fixed(double number) {
        return new BigDecimal(number).setScale(2, RoundingMode.HALF_EVEN).toPlainString();
    }

    public void print(PrintWriter out) {
        int columns = rows.get(0).length;
        int[] width = new int[columns];
        boolean[] numeric = new boolean[columns];
        for (int c = 0; c < columns; c++) {
            int column = c;
            width[c] = rows.stream().mapToInt(r -> r[column].length()).max().orElse(0);
            numeric[c] = rows.stream().skip(1).allMatch(r -> r[column].isEmpty() || r[column].matches("[-+]?[\\d.].*"));
        }
        for (String[] row : rows) {
            StringBuilder line = new StringBuilder();
            for (int c = 0; c < columns; c++) {
                String space = " ".repeat(width[c] - row[c].length());
                line.append(c == 0 ? "" : "  ").append(numeric[c] ? space + row[c] : row[c] + space);
            }
            out.println(line.toString().stripTrailing());
        }
    }
}
