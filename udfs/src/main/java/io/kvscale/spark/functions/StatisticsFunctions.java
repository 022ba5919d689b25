package io.kvscale.spark.functions;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.spark.sql.SparkErrors;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.util.function.ToDoubleFunction;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/** {@code kv_stats_union} and {@code kv_stats_info}: the code behind them, which generated code calls. */
public final class StatisticsFunctions {
    static final String UNION = "kv_stats_union";
    static final String INFO = "kv_stats_info";

    static final DataType INFO_TYPE = DataType.fromDDL("struct<fingerprint: string, files: bigint, slots: array<struct<"
            + "layer: int, role: string, dtype: string, heads: int, head_dim: int, samples: bigint, tokens: bigint,"
            + " count: bigint, nan: bigint, inf: bigint, min: float, max: float, min_sample: string, max_sample: string,"
            + " channel_min: array<float>, channel_max: array<float>>>>");

    private StatisticsFunctions() {}

    /** The statistics of both parts of a corpus as one. */
    public static byte[] union(byte[] a, byte[] b) {
        return SparkErrors.translate(() -> {
            CalibrationStatistics all = StatisticsUnion.read(UNION, "a", a);
            StatisticsUnion.merge(UNION, "b", all, StatisticsUnion.read(UNION, "b", b));
            return all.toByteArray();
        });
    }

    /** What statistics hold, as a row of {@link #INFO_TYPE}. */
    public static InternalRow info(byte[] stats) {
        CalibrationStatistics statistics = SparkErrors.translate(() -> StatisticsUnion.read(INFO, "stats", stats));
        Object[] slots = statistics.slots().entrySet().stream()
                .map(entry -> slot(entry.getKey(), entry.getValue()))
                .toArray();
        return row(
                text(statistics.corpus().fingerprintHex()), statistics.corpus().files(), new GenericArrayData(slots));
    }

    private static InternalRow slot(Slot slot, SlotStatistics seen) {
        Range[] channels = seen.ranges(1);
        return row(
                slot.layer(),
                text(slot.role().word()),
                text(seen.geometry().dtype().name()),
                seen.geometry().heads(),
                seen.geometry().headDim(),
                seen.samples(),
                seen.tokens(),
                seen.finite(),
                seen.nan(),
                seen.infinite(),
                seen.isEmpty() ? null : seen.min(),
                seen.isEmpty() ? null : seen.max(),
                name(seen.minSample()),
                name(seen.maxSample()),
                seen.isEmpty() ? null : ends(channels, Range::min),
                seen.isEmpty() ? null : ends(channels, Range::max));
    }

    private static ArrayData ends(Range[] channels, ToDoubleFunction<Range> end) {
        Object[] ends = new Object[channels.length];
        for (int i = 0; i < ends.length; i++) {
            ends[i] = channels[i].isEmpty() ? null : (Object) (float) end.applyAsDouble(channels[i]);
        }
        return new GenericArrayData(ends);
    }

    private static InternalRow row(@Nullable Object... fields) {
        return new GenericInternalRow(fields);
    }

    private static @Nullable UTF8String name(@Nullable Sample sample) {
        return sample == null ? null : text(sample.toString());
    }

    private static UTF8String text(String text) {
        return UTF8String.fromString(text);
    }
}
