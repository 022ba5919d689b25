package io.kvscale.job.drift;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.ScaleSolver;
import io.kvscale.quant.Tolerances;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.TreeMap;

/**
 * Values of K and V of a few layers, token-major, and their statistics.
 *
 * @param values of each slot, representable in the dtype
 */
record Sampled(Geometry geometry, TreeMap<Slot, float[]> values) {
    static Sampled of(Geometry geometry) {
        return new Sampled(geometry, new TreeMap<>());
    }

    Sampled with(int layer, Role role, float... of) {
        TreeMap<Slot, float[]> more = new TreeMap<>(values);
        float[] rounded = of.clone();
        for (int i = 0; i < rounded.length; i++) {
            rounded[i] = geometry.dtype().round(rounded[i]);
        }
        more.put(new Slot(layer, role), rounded);
        return new Sampled(geometry, more);
    }

    CalibrationStatistics statistics(StatisticsKind kind) {
        TreeMap<Slot, SlotStatistics> slots = new TreeMap<>();
        values.forEach((slot, of) -> {
            SlotStatistics seen = new SlotStatistics(geometry, null, kind.tables());
            int tokens = of.length / geometry.channels();
            if (tokens > 0) {
                KvSource source = new KvSource("f", 0, "s", geometry, 1, tokens, true, null);
                seen.update(new Position(source, 0), bytes(of));
            }
            slots.put(slot, seen);
        });
        return new CalibrationStatistics(Corpus.EMPTY, slots);
    }

    NamedStatistics named(String file, StatisticsKind kind) {
        return new NamedStatistics(file, statistics(kind));
    }

    private ByteBuffer bytes(float[] of) {
        Dtype dtype = geometry.dtype();
        ByteBuffer bytes = ByteBuffer.allocate(dtype.bytes() * of.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float x : of) {
            if (dtype.bytes() == Float.BYTES) {
                bytes.putInt(dtype.fromFloat(x));
            } else {
                bytes.putShort((short) dtype.fromFloat(x));
            }
        }
        return bytes.flip();
    }

    /** The scales that a scheme derives from these values. */
    ScaleTable scales(QuantizationScheme scheme) {
        return solve(statistics(StatisticsKind.HISTOGRAM), scheme);
    }

    static ScaleTable solve(CalibrationStatistics statistics, QuantizationScheme scheme) {
        SlotSchemes schemes = new SlotSchemes(scheme, scheme, List.of(), null);
        boolean keysOnly = statistics.slots().keySet().stream().allMatch(slot -> slot.role() == Role.KEY);
        return new ScaleSolver(schemes, layer -> true, new Tolerances(true, keysOnly, true, true, 100, false, null))
                .solve(statistics, null)
                .table();
    }
}
