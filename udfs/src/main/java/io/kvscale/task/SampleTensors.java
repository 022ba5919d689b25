package io.kvscale.task;

import io.kvscale.capture.CaptureReader;
import io.kvscale.model.onnx.CacheTensors;
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
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.util.List;
import java.util.function.Function;

/**
 * K and V of one sample without padding, {@code [1, kv_heads, tokens, head_dim]} per slot, and the capture file that holds
 * them. Observing them and calibrating on that file give the same statistics.
 *
 * @param name the sample's name
 * @param slots in the order of the file
 * @param row the sample's row in the batch
 * @param tokens the number of tokens; the rest of the row is padding
 * @param batch K or V of the batch, {@code [rows, kv_heads, tokens, head_dim]}
 */
public record SampleTensors(
        String name, List<Slot> slots, Geometry geometry, int row, int tokens, Function<Slot, KvTensor> batch) {
    /** Receives consecutive little-endian values, valid during the call, from index {@code element} of the tensor on. */
    interface Pieces<E extends Exception> {
        void piece(long element, ByteBuffer values) throws E;
    }

    /** The capture file's path below its folder. */
    String file() {
        return name + ".safetensors";
    }

    /** The shape of every tensor in the capture file. */
    List<Long> shape() {
        return List.of(1L, (long) geometry.heads(), (long) tokens, (long) geometry.headDim());
    }

    /** A writer of the capture file, which takes the values from the batch while it writes. */
    SafetensorsWriter capture() {
        SafetensorsWriter writer = new SafetensorsWriter();
        for (Slot slot : slots) {
            writer.add(CacheTensors.present(slot), geometry.dtype().name(), shape(), out -> write(slot, out));
        }
        return writer;
    }

    private void write(Slot slot, OutputStream out) throws IOException {
        WritableByteChannel channel = Channels.newChannel(out);
        this.<IOException>forEachPiece(slot, (element, values) -> channel.write(values));
    }

    /** Passes all values of a slot on, in the order of the capture file. */
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

    /** Passes all values to {@code sink}, as reading the capture file would. */
    void observe(CaptureReader.Sink sink) {
        long begin = capture().dataBegin();
        for (Slot slot : slots) {
            KvSource source = new KvSource(file(), begin, name, geometry, 1, tokens, false, null);
            forEachPiece(slot, (element, values) -> sink.chunk(slot, new Position(source, element), values));
            begin += source.size() * geometry.dtype().bytes();
        }
    }

    long bytes() {
        return (long) slots.size()
                * tokens
                * geometry.channels()
                * geometry.dtype().bytes();
    }
}
