package io.kvscale.task;

import io.kvscale.capture.CaptureReader;
import io.kvscale.safetensors.SafetensorsWriter;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.Function;

/**
 * K and V of the real tokens of one sample, {@code [1, kv_heads, tokens, head_dim]} a slot, and the capture file that holds
 * them: so that observing them and calibrating on that file give the same statistics.
 *
 * @param name the sample's
 * @param slots in the order of the file
 * @param row where the sample is in the batch
 * @param tokens its real ones; what follows in its row is padding
 * @param batch K or V of the batch, {@code [rows, kv_heads, tokens, head_dim]}
 */
public record SampleTensors(
        String name, List<Slot> slots, Geometry geometry, int row, int tokens, Function<Slot, KvTensor> batch) {
    static final String EXTENSION = ".safetensors";
    private static final int COPIED_AT_ONCE = 1 << 16;

    /** Receives neighbouring values. */
    interface Pieces<E extends Exception> {
        /**
         * @param element index of the first value in the sample's own tensor
         * @param values little endian, valid until the call returns
         */
        void piece(long element, ByteBuffer values) throws E;
    }

    /** The path of the capture file, below its folder. */
    String file() {
        return name + EXTENSION;
    }

    /** The name of a slot's tensor in that file. */
    static String tensor(Slot slot) {
        return "present." + slot.layer() + "." + slot.role().word();
    }

    /** Of every tensor in that file. */
    List<Long> shape() {
        return List.of(1L, (long) geometry.heads(), (long) tokens, (long) geometry.headDim());
    }

    /** That file; the values are taken from the batch while it is written. */
    SafetensorsWriter capture() {
        SafetensorsWriter writer = new SafetensorsWriter();
        for (Slot slot : slots) {
            writer.add(tensor(slot), geometry.dtype().name(), shape(), out -> write(slot, out));
        }
        return writer;
    }

    private void write(Slot slot, OutputStream out) throws IOException {
        byte[] block = new byte[COPIED_AT_ONCE];
        this.<IOException>forEachPiece(slot, (element, values) -> {
            while (values.hasRemaining()) {
                int count = Math.min(block.length, values.remaining());
                values.get(block, 0, count);
                out.write(block, 0, count);
            }
        });
    }

    /** Gives all values of a slot, in the order of the file. */
    <E extends Exception> void forEachPiece(Slot slot, Pieces<E> pieces) throws E {
        KvTensor all = batch.apply(slot);
        int bytes = geometry.dtype().bytes();
        int line = geometry.headDim() * bytes;
        for (int head = 0; head < geometry.heads(); head++) {
            int begin = (row * geometry.heads() + head) * all.tokens() * line;
            for (int from = 0; from < tokens * line; ) {
                int length = Math.min(CaptureReader.blockBytes(), tokens * line - from);
                ByteBuffer piece = all.values().slice(begin + from, length).order(ByteOrder.LITTLE_ENDIAN);
                pieces.piece((long) head * tokens * geometry.headDim() + from / bytes, piece);
                from += length;
            }
        }
    }

    /** Gives every value to {@code sink}, as reading the capture file would. */
    void observe(CaptureReader.Sink sink) {
        long begin = capture().dataBegin();
        for (Slot slot : slots) {
            KvSource source = new KvSource(file(), begin, name, geometry, 1, tokens, false, null);
            forEachPiece(slot, (element, values) -> sink.chunk(slot, new Position(source, element), values));
            begin += source.size() * geometry.dtype().bytes();
        }
    }

    /** Bytes of K and V. */
    long bytes() {
        return (long) slots.size()
                * tokens
                * geometry.channels()
                * geometry.dtype().bytes();
    }
}
