package io.kvscale.capture;

import io.kvscale.input.BlockWindow;
import io.kvscale.safetensors.TensorEntry;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.TokenMask;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;
import java.util.List;

/** Reads the mask tensor: 1 for a token, 0 for padding. */
final class MaskReader {
    /** Bounds the memory for a mask: 64 MB of bits. */
    private static final long MAX_TOKENS = 1L << 29;

    private MaskReader() {}

    /** @throws InvalidDataException if dtype or shape do not fit a mask, or a value is neither 0 nor 1 */
    static TokenMask read(TensorEntry entry, BlockWindow window) throws IOException {
        int bytes = switch (entry.dtype()) {
            case "I64" -> 8;
            case "I32" -> 4;
            case "U8", "BOOL" -> 1;
            default -> throw problem(entry, "the mask has dtype " + entry.dtype(), "write it as I64, I32, U8 or BOOL");
        };
        List<Long> shape = entry.shape();
        boolean oneRow = shape.size() == 1;
        if (!oneRow && shape.size() != 2) {
            throw problem(entry, "the mask has shape " + shape, "write it as [batch, tokens]");
        }
        long batch = oneRow ? 1 : shape.get(0);
        long tokens = shape.get(oneRow ? 0 : 1);
        if (batch * tokens > MAX_TOKENS || batch < 1 || tokens < 1) {
            throw problem(entry, "the mask has shape " + shape, "split the batch: at most " + MAX_TOKENS + " tokens");
        }
        BitSet real = new BitSet((int) (batch * tokens));
        long at = entry.begin();
        int index = 0;
        while (at < entry.end()) {
            ByteBuffer chunk = window.view(at, bytes, entry.end(), entry.end()).order(ByteOrder.LITTLE_ENDIAN);
            int count = chunk.remaining() / bytes;
            for (int i = 0; i < count; i++) {
                long mark = bytes == 8 ? chunk.getLong() : bytes == 4 ? chunk.getInt() : chunk.get();
                if (mark != 0 && mark != 1) {
                    throw problem(entry, "the mask holds " + mark, "write 1 for a token, 0 for padding");
                }
                real.set(index++, mark == 1);
            }
            at += (long) count * bytes;
        }
        return new TokenMask((int) batch, (int) tokens, real);
    }

    private static InvalidDataException problem(TensorEntry entry, String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy + ", or set mask: none under kvscale in the recipe")
                .inTensor(entry.name()));
    }
}
