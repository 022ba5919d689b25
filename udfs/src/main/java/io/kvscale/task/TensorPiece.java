package io.kvscale.task;

import io.kvscale.tensor.KvSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A piece of a tensor, with the indices of its values. */
final class TensorPiece {
    /** So many values of a token are zero only in padding. */
    private static final int ZEROS = 8;

    final KvSource source;
    final long begin;
    final long end;
    private final ByteBuffer values;
    private final int first;
    private final int bytes;

    TensorPiece(KvSource source, long begin, ByteBuffer chunk) {
        this.source = source;
        this.begin = begin;
        // Almost every chunk is read as it is: a view of each would be most of the cost.
        this.values = chunk.order() == ByteOrder.LITTLE_ENDIAN
                ? chunk
                : chunk.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        this.first = chunk.position();
        this.bytes = source.geometry().dtype().bytes();
        this.end = begin + chunk.remaining() / bytes;
    }

    boolean holds(long element) {
        return element >= begin && element < end;
    }

    int bits(long element) {
        return source.geometry().dtype().get(values, first + (int) (element - begin) * bytes);
    }

    /** Whether the piece holds some of the first values of a token, all of them zero. */
    boolean isZero(long token) {
        boolean any = false;
        for (int d = 0; d < Math.min(ZEROS, source.geometry().headDim()); d++) {
            if (holds(token + d)) {
                any = true;
                if (source.geometry().dtype().toFloat(bits(token + d)) != 0) {
                    return false;
                }
            }
        }
        return any;
    }
}
