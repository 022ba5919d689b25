package io.kvscale.job.console;

import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.PrintWriter;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Prints a scale table: one line per layer. */
public final class ScaleTablePrinter {
    private ScaleTablePrinter() {}

    public static void print(ScaleTable table, PrintWriter out) {
        out.println(describe(table.scheme()) + "; " + table.corpus().samples() + " samples, "
                + table.corpus().tokens() + " tokens, " + table.corpus().values() + " values");
        TextTable text = new TextTable("layer", "k_scale", "v_scale", "k_min", "k_max", "v_min", "v_max");
        table.slots().keySet().stream().mapToInt(Slot::layer).distinct().forEach(layer -> {
            SlotScales key = table.slots().get(new Slot(layer, Role.KEY));
            SlotScales value = table.slots().get(new Slot(layer, Role.VALUE));
            text.row(
                    layer,
                    scales(key),
                    scales(value),
                    key == null ? "" : key.min(),
                    key == null ? "" : key.max(),
                    value == null ? "" : value.min(),
                    value == null ? "" : value.max());
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
