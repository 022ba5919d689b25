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

/** Observes rows of a table, as {@link CalibrationTask} observes files; the caller passes the rows in. */
public final class RowTask implements RowSink {
    private final TableTensorParser tensors;
    private final QuantizedKvCache cache;
    private final CaptureScreen screen;
    private final RotationScan rotation;
    private final TaskState state;
    private final LongConsumer progress;
    private final long start = System.nanoTime();
    private Corpus corpus = Corpus.EMPTY;
    private long bytes;

    /** @param progress receives the bytes of K and V observed, block by block */
    public RowTask(SlotSchemes schemes, StatisticsKind kind, CaptureOptions options, LongConsumer progress) {
        this.tensors = new TableTensorParser(options);
        this.cache = new QuantizedKvCache(schemes, 0, kind, null);
        this.state = new TaskState(kind);
        this.screen = new CaptureScreen(options);
        this.rotation = new RotationScan(options);
        this.progress = progress;
    }

    /**
     * Observes one row. A bad row becomes a problem of the state; later rows are still read, because rows have no order and
     * any of them may show the first problem.
     *
     * @param values little-endian values; null to read only the row's other columns
     */
    @Override
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
            state.observe(cache, rotation, tensor.slot(), new Position(tensor.source(), 0), ByteBuffer.allocate(0));
            return;
        }
        int valueBytes = tensor.source().geometry().dtype().bytes();
        int size = values.remaining();
        int headBytes = tensor.source().geometry().headDim() * valueBytes;
        int blockBytes = CaptureReader.blockBytes() / headBytes * headBytes;
        for (int from = 0; from < size; ) {
            int length = Math.min(blockBytes, size - from);
            ByteBuffer block = values.slice(values.position() + from, length).order(ByteOrder.LITTLE_ENDIAN);
            Position position = new Position(tensor.source(), from / valueBytes);
            screen.observe(tensor.slot(), position, block);
            state.observe(cache, rotation, tensor.slot(), position, block);
            progress.accept(length);
            from += length;
        }
        bytes += size;
    }

    /** The state of all rows. Counts the bytes of the values, because Spark's own metric misses vectored reads. */
    public TaskState state() {
        return state.suspecting(screen)
                .rotated(rotation)
                .counting(corpus, Tally.read(bytes, System.nanoTime() - start, FailedSamples.NONE));
    }
}
