package io.kvscale.spark.functions;

import io.kvscale.capture.TensorValues;
import io.kvscale.capture.layout.TensorNames;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A row of a table that holds K or V of one sample, {@code [heads, tokens, head_dim]}. */
record AggregatedRow(Slot slot, Geometry geometry, @Nullable String sample) {
    /** @param values row-major, little endian */
    void addTo(CalibrationStatistics statistics, byte[] values) {
        int token = geometry.channels() * geometry.dtype().bytes();
        if (values.length % token != 0) {
            throw new InvalidDataException(DataProblem.of(
                            TensorStatisticsAggregate.NAME + ": argument data: " + values.length
                                    + " bytes are not whole tokens of " + token + " bytes (" + geometry + ")",
                            "check dtype, heads and head_dim, and that data is one sample's [heads, tokens, head_dim]")
                    .inSlot(slot));
        }
        KvSource source = new KvSource("", 0, sample, geometry, 1, values.length / token, false, null);
        begin(statistics, source)
                .update(new Position(source, 0), ByteBuffer.wrap(values).order(ByteOrder.LITTLE_ENDIAN));
    }

    /** @param values of the geometry of this row; their order of tokens and heads, and their mask, may differ */
    void addTo(CalibrationStatistics statistics, TensorValues values) {
        KvSource read = values.source();
        KvSource source = new KvSource("", 0, sample, geometry, 1, read.tokens(), read.tokenMajor(), read.mask());
        SlotStatistics seen = begin(statistics, source);
        if (source.realTokens() == 0) {
            // Counts the sample, although it has no values.
            seen.update(new Position(source, 0), ByteBuffer.allocate(0));
            return;
        }
        values.forEachChunk((element, chunk) -> seen.update(new Position(source, element), chunk));
    }

    private SlotStatistics begin(CalibrationStatistics statistics, KvSource source) {
        SlotStatistics seen = statistics.slot(slot, geometry);
        StatisticsUnion.checkGeometry(
                TensorStatisticsAggregate.NAME,
                TensorStatisticsAggregate.GEOMETRY,
                slot,
                seen,
                geometry,
                source.origin(0));
        // The fingerprint is that of a capture file with this tensor as [1, heads, tokens, head_dim].
        statistics.countTensor(
                sample == null ? "" : sample,
                TensorNames.of(slot),
                geometry.dtype().name(),
                List.of(1L, (long) geometry.heads(), source.realTokens(), (long) geometry.headDim()));
        return seen;
    }
}
