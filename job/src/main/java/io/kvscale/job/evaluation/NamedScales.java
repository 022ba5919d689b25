package io.kvscale.job.evaluation;

import io.kvscale.model.onnx.ModelShape;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * A scale table to evaluate.
 *
 * @param name the folder or file as the user gave it; {@link #UNIT} for scale 1.0 everywhere
 * @param isUnit whether no calibration gave the scales: fp8 with scale 1.0 everywhere
 */
public record NamedScales(String name, ScaleTable table, boolean isUnit) {
    /** The name of scale 1.0 everywhere. */
    public static final String UNIT = "unit";

    public NamedScales {
        // An evaluation quantizes the cache; queries are not in it.
        table = table.cached();
    }

    public NamedScales(String name, ScaleTable table) {
        this(name, table, false);
    }

    /** fp8 e4m3 with scale 1.0 for K and V of all layers: what engines use without a calibration. */
    static NamedScales unit(ModelShape model) {
        QuantizationScheme fp8 = QuantizationScheme.fp8();
        float greatest = fp8.format().max();
        SortedMap<Slot, SlotScales> slots = new TreeMap<>();
        for (Slot slot : model.slots()) {
            slots.put(
                    slot,
                    new SlotScales(
                            fp8,
                            model.geometry(),
                            new float[] {1},
                            new float[] {0},
                            new float[] {-greatest},
                            new float[] {greatest},
                            0,
                            0,
                            0,
                            0,
                            0,
                            null,
                            null,
                            null));
        }
        return new NamedScales(UNIT, new ScaleTable(fp8, new ScaleTable.CorpusSummary("", 0, 0, 0, 0), slots), true);
    }

    /**
     * Whether a calibration can be compared with {@link #unit}: it has all its slots, which have its number format. Layers in
     * full precision would count as a gain of calibration.
     */
    boolean isComparedWith(NamedScales unit) {
        return !isUnit
                && table.slots().keySet().containsAll(unit.table.slots().keySet())
                && table.slots().values().stream()
                        .allMatch(slot -> slot.scheme().format()
                                == QuantizationScheme.fp8().format());
    }

    /** The layers of a model that the table has no scales for. */
    List<Integer> missing(int layers) {
        return IntStream.range(0, layers)
                .filter(layer -> !table.slots().containsKey(new Slot(layer, Role.KEY)))
                .boxed()
                .toList();
    }
}
