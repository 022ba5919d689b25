package io.kvscale.task;

import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.capture.CaptureReader;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.KvTableRow;
import io.kvscale.capture.layout.TableTensor;
import io.kvscale.capture.layout.TableTensorParser;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What one task over rows of a table does: as {@link CalibrationTask} does over files, but whoever has the rows hands
 * them in.
 */
public final class RowTask {
    private final TableTensorParser tensors;
    private final QuantizedKvCache cache;
    private final TaskState state = new TaskState();
    private final LongConsumer progress;
    private final long start = System.nanoTime();
    private Corpus corpus = Corpus.EMPTY;
    private long bytes;

    /**
     * Nothing observed yet.
     *
     * @param kind what the statistics keep
     * @param progress told the bytes of K and V observed, block by block
     */
    public RowTask(SlotSchemes schemes, StatisticsKind kind, CaptureOptions options, LongConsumer progress) {
        this.tensors = new TableTensorParser(options);
        this.cache = new QuantizedKvCache(schemes, 0, kind, null);
        this.progress = progress;
    }

    /**
     * Observes one row. A bad one is kept as a problem; rows have no order, so each of them may show the first.
     *
     * @param values little endian; null to look at what the row says of itself only
     */
    public void row(KvTableRow row, @Nullable ByteBuffer values) {
        Slot slot = null;
        try {
            TableTensor tensor = tensors.parse(row);
            if (tensor != null) {
                slot = tensor.slot();
                observe(tensor, values);
                corpus = tensor.countedIn(corpus);
            }
        } catch (InvalidDataException e) {
            state.add(slot == null ? e.problem() : TableTensorParser.placed(e.problem(), row, slot));
        }
    }

    private void observe(TableTensor tensor, @Nullable ByteBuffer values) {
        if (values == null) {
            state.observe(cache, tensor.slot(), new Position(tensor.source(), 0), ByteBuffer.allocate(0));
            return;
        }
        int valueBytes = tensor.source().geometry().dtype().bytes();
        int size = values.remaining();
        for (int from = 0; from < size; ) {
            int length = Math.min(CaptureReader.blockBytes(), size - from);
            ByteBuffer block = values.slice(values.position() + from, length).order(ByteOrder.LITTLE_ENDIAN);
            state.observe(cache, tensor.slot(), new Position(tensor.source(), from / valueBytes), block);
            progress.accept(length);
            from += length;
        }
        bytes += size;
    }

    /** What all rows gave. Bytes read are those of the values: Spark's own count misses vectored reads. */
    public TaskState state() {
        return state.counting(corpus, Tally.read(bytes, System.nanoTime() - start, FailedSamples.NONE));
    }
}
