package io.kvscale.job.console;

import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Prints a scale table: one line per layer. */
public final class ScaleTablePrinter {
    private ScaleTablePrinter() {}

    public static void print(ScaleTable table, PrintWriter out) {
        out.println(describe(table.scheme()) + "; " + table.corpus().samples() + " samples, "
                + table.corpus().tokens() + " tokens, " + table.corpus().values() + " values");
        boolean queries = table.cached() != table;
        List<Role> roles = queries ? List.of(Role.values()) : Role.CACHED;
        List<String> heading = new ArrayList<>(List.of("layer"));
        roles.forEach(role -> heading.add(role.scaleName()));
        roles.forEach(role -> {
            String letter = role.letter().toLowerCase(Locale.ROOT);
            heading.addAll(List.of(letter + "_min", letter + "_max"));
        });
        TextTable text = new TextTable(heading.toArray(String[]::new));
        table.slots().keySet().stream().mapToInt(Slot::layer).distinct().forEach(layer -> {
            List<@Nullable SlotScales> slots = new ArrayList<>();
            roles.forEach(role -> slots.add(table.slots().get(new Slot(layer, role))));
            List<Object> row = new ArrayList<>(List.of(layer));
            slots.forEach(slot -> row.add(scales(slot)));
            slots.forEach(slot -> {
                row.add(slot == null ? "" : slot.min());
                row.add(slot == null ? "" : slot.max());
            });
            text.row(row.toArray());
        });
        text.print(out);
    }

    /** The scale of a slot; several scales as least .. greatest (count). */
    public static String scales(@Nullable SlotScales slot) {
        return slot == null ? "" : scales(slot.scale());
    }

    /** Scales as {@link #scales(SlotScales)}; empty if there are none. */
    static String scales(float[] values) {
        if (values.length == 0) {
            return "";
        }
        float least = values[0];
        float greatest = values[0];
        for (float scale : values) {
            least = Math.min(least, scale);
            greatest = Math.max(greatest, scale);
        }
        return values.length == 1 ? String.valueOf(least) : least + " .. " + greatest + " (" + values.length + ")";
    }

    /** A scheme in a few words. */
    static String describe(QuantizationScheme scheme) {
        Map<String, @Nullable Object> fields = KvCacheScheme.fields(scheme);
        GlobalScale convention = scheme.globalScale();
        return scheme.format().word()
                + (scheme.symmetric() ? " symmetric" : " asymmetric")
                + ", " + fields.get("strategy")
                + (scheme.groupSize() > 0 ? " of " + scheme.groupSize() : "")
                + ", " + fields.get("observer") + ", scales in " + fields.get("scale_dtype")
                + (convention == null ? "" : ", global scale " + convention.word() + " (" + convention.formula() + ")");
    }
}
