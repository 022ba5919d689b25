package io.kvscale.job.console;

import io.kvscale.tensor.DataProblem;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Prints a file that kvscale writes as one line for each of its top-level fields. */
public final class KnownFilePrinter {
    private static final int MAX_ITEMS = 8;

    private KnownFilePrinter() {}

    public static void print(String path, String kind, Map<String, ?> content, PrintWriter out) {
        out.println(DataProblem.printable(path) + ": " + kind);
        TextTable table = new TextTable("field", "value");
        content.forEach((name, value) -> table.row(name, text(value)));
        table.print(out);
    }

    private static String text(Object value) {
        if (value instanceof float[] numbers) {
            List<Object> all = new ArrayList<>();
            for (float number : numbers) {
                all.add(number);
            }
            return list(all);
        } else if (value instanceof List<?> list) {
            return list.stream().anyMatch(Map.class::isInstance) ? list.size() + " entries" : list(list);
        }
        return String.valueOf(value);
    }

    private static String list(List<?> items) {
        List<String> shown =
                items.stream().limit(MAX_ITEMS).map(String::valueOf).toList();
        return String.join(", ", shown) + (items.size() > MAX_ITEMS ? ", ... (" + items.size() + ")" : "");
    }
}
