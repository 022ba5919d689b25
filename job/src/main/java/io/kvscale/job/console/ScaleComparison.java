package io.kvscale.job.console;

import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Slot;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Prints two scale tables side by side, with the ratio of their scales, and the verdict as the last line. */
public final class ScaleComparison {
    private final ScaleTable a;
    private final ScaleTable b;
    private final TreeSet<Slot> slots;
    private int changed;
    private int differing;
    private double furthest = 1;
    private @Nullable Slot furthestSlot;

    private ScaleComparison(ScaleTable a, ScaleTable b) {
        this.a = a;
        this.b = b;
        slots = new TreeSet<>(a.slots().keySet());
        slots.addAll(b.slots().keySet());
    }

    /** Returns whether every number of every slot is equal. */
    public static boolean print(ScaleTable a, ScaleTable b, PrintWriter out) {
        return new ScaleComparison(a, b).print(out);
    }

    private boolean print(PrintWriter out) {
        TextTable table = new TextTable("layer", "role", "A", "B", "B/A", "differs");
        for (Slot slot : slots) {
            SlotScales x = a.slots().get(slot);
            SlotScales y = b.slots().get(slot);
            List<String> differences = differences(x, y);
            differing += differences.isEmpty() ? 0 : 1;
            changed += x == null || y == null || !sameScales(x, y) ? 1 : 0;
            table.row(
                    slot.layer(),
                    slot.role().word(),
                    x == null ? "-" : ScaleTablePrinter.scales(x),
                    y == null ? "-" : ScaleTablePrinter.scales(y),
                    ratios(slot, x, y),
                    String.join(", ", differences));
        }
        table.print(out);
        if (!a.scheme().equals(b.scheme())) {
            out.println("the scheme differs: " + schemes());
        }
        if (!a.corpus().equals(b.corpus())) {
            out.println("the corpus differs: A is " + corpus(a) + "; B is " + corpus(b)
                    + (a.corpus().fingerprint().equals(b.corpus().fingerprint())
                            ? ""
                            : "; not the same names and shapes were read"));
        }
        out.println(verdict());
        return differing == 0;
    }

    private String verdict() {
        if (differing == 0) {
            return "equal: the scales and all other numbers, scales_sha256 " + a.sha256();
        }
        // The hash does not cover queries.
        if (changed == 0 && a.sha256().equals(b.sha256())) {
            return "different: the scales are equal (scales_sha256 " + a.sha256() + "), but other fields of "
                    + differing + " of " + slots.size() + " slots are not";
        }
        if (changed == 0) {
            return "different: the scales are equal, but not what they apply to, in " + differing + " of "
                    + slots.size() + " slots";
        }
        return "different: the scales of " + changed + " of " + slots.size() + " slots"
                + (furthestSlot == null
                        ? ""
                        : "; the furthest apart is " + furthestSlot + ", where B/A is " + digits(furthest));
    }

    private static boolean sameScales(SlotScales x, SlotScales y) {
        return Arrays.equals(x.scale(), y.scale()) && Arrays.equals(x.zeroPoint(), y.zeroPoint());
    }

    /** The names of the fields that differ. */
    private static List<String> differences(@Nullable SlotScales x, @Nullable SlotScales y) {
        if (x == null || y == null) {
            return List.of(x == null ? "only in B" : "only in A");
        }
        List<String> names = new ArrayList<>();
        add(names, "scheme", x.scheme().equals(y.scheme()));
        add(names, "dtype", x.geometry().dtype() == y.geometry().dtype());
        add(names, "heads", x.geometry().heads() == y.geometry().heads());
        add(names, "head_dim", x.geometry().headDim() == y.geometry().headDim());
        add(names, "scale", Arrays.equals(x.scale(), y.scale()));
        add(names, "zero_point", Arrays.equals(x.zeroPoint(), y.zeroPoint()));
        add(names, "range", Arrays.equals(x.rangeMin(), y.rangeMin()) && Arrays.equals(x.rangeMax(), y.rangeMax()));
        add(names, "min", Float.compare(x.min(), y.min()) == 0);
        add(names, "max", Float.compare(x.max(), y.max()) == 0);
        add(names, "count", x.count() == y.count());
        add(names, "nan", x.nan() == y.nan());
        add(names, "inf", x.infinite() == y.infinite());
        return names;
    }

    static void add(List<String> names, String name, boolean same) {
        if (!same) {
            names.add(name);
        }
    }

    /** The least and the greatest B/A of a slot; empty if its scales have other shapes or meanings. */
    private String ratios(Slot slot, @Nullable SlotScales x, @Nullable SlotScales y) {
        if (x == null
                || y == null
                || !Arrays.equals(x.shape(), y.shape())
                || x.scheme().globalScale() != y.scheme().globalScale()) {
            return "";
        }
        double least = Double.POSITIVE_INFINITY;
        double greatest = 0;
        for (int i = 0; i < x.scale().length; i++) {
            double ratio = (double) y.scale()[i] / x.scale()[i];
            least = Math.min(least, ratio);
            greatest = Math.max(greatest, ratio);
            if (Math.max(ratio, 1 / ratio) > Math.max(furthest, 1 / furthest)) {
                furthest = ratio;
                furthestSlot = slot;
            }
        }
        return least == greatest ? digits(least) : digits(least) + " .. " + digits(greatest);
    }

    private String schemes() {
        Map<String, @Nullable Object> x = KvCacheScheme.fields(a.scheme());
        Map<String, @Nullable Object> y = KvCacheScheme.fields(b.scheme());
        TreeSet<String> names = new TreeSet<>(x.keySet());
        names.addAll(y.keySet());
        List<String> shown = new ArrayList<>();
        for (String name : names) {
            String one = String.valueOf(x.get(name));
            String other = String.valueOf(y.get(name));
            if (!one.equals(other)) {
                shown.add(name + " " + one + " and " + other);
            }
        }
        return String.join(", ", shown);
    }

    private static String corpus(ScaleTable table) {
        ScaleTable.CorpusSummary corpus = table.corpus();
        return corpus.files() + " files, " + corpus.samples() + " samples, " + corpus.tokens() + " tokens";
    }

    /** Five digits; more where it would look like 1. */
    private static String digits(double ratio) {
        BigDecimal rounded = new BigDecimal(ratio).round(new MathContext(5));
        boolean looksEqual = ratio != 1 && rounded.compareTo(BigDecimal.ONE) == 0;
        BigDecimal shown = looksEqual ? new BigDecimal(ratio).round(new MathContext(8)) : rounded;
        return shown.stripTrailingZeros().toPlainString();
    }
}
