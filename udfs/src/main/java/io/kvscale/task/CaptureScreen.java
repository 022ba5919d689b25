package io.kvscale.task;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.LayerFilter;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Looks at a few values of each tensor while a task observes it: at the ends for padding, and for samples that repeat. Costs
 * nothing beside the observation, because it reads only head 0, and of most tensors two values.
 *
 * <p>A suspicion may be false where a tensor is cut between tasks. It is never missed. Not thread-safe.
 */
final class CaptureScreen {
    /** Four values of head 0 tell one token from another. */
    private static final int CHANNELS = 4;

    /** Layers are searched up to this one for the first one to calibrate. */
    private static final int MAX_FIRST_LAYER = 255;

    private static final Slot EMBEDDED = new Slot(0, Role.VALUE);

    private final Copies copies = new Copies();
    private final Run head = new Run();
    private final Run tail = new Run();
    private final Slot compared;
    private boolean zeroEnds;
    private boolean equalEnds;
    private @Nullable KvSource source;
    private int row;
    private long hashed;
    private long sum;

    /** The first value of each token within a few tokens at an end. */
    private static final class Run {
        private boolean any;
        private boolean differs;
        private int bits;

        void add(int next) {
            differs |= any && bits != next;
            any = true;
            bits = next;
        }

        boolean ended() {
            boolean alike = any && !differs;
            any = false;
            differs = false;
            return alike;
        }
    }

    CaptureScreen(CaptureOptions options) {
        this.compared = new Slot(firstLayer(options), Role.KEY);
    }

    /** The first layer whose K identifies a sample. */
    private static int firstLayer(CaptureOptions options) {
        LayerFilter layers = options.layerFilter();
        @Nullable ModelConfig model = options.model();
        for (int layer = 0; layer < MAX_FIRST_LAYER; layer++) {
            if (layers.includes(layer) && (model == null || model.holds(new Slot(layer, Role.KEY)))) {
                return layer;
            }
        }
        return MAX_FIRST_LAYER;
    }

    /** Looks at a piece of a tensor. The pieces of a tensor that a task has must come one after another. */
    void observe(Slot slot, Position position, ByteBuffer chunk) {
        if (!chunk.hasRemaining()) {
            return;
        }
        KvSource tensor = position.source();
        TensorPiece piece = new TensorPiece(tensor, position.element(), chunk);
        int last = (int) ((piece.end - 1) / tensor.sizeOfRow());
        for (int r = (int) (piece.begin / tensor.sizeOfRow()); r <= last; r++) {
            int firstToken = tensor.firstReal(r);
            if (firstToken < 0) {
                continue;
            }
            int lastToken = tensor.lastReal(r);
            zeroEnds |= piece.isZero(tensor.elementOf(r, firstToken)) || piece.isZero(tensor.elementOf(r, lastToken));
            boolean embedded = slot.equals(EMBEDDED) && lastToken - firstToken + 1 >= TokenEnds.PADDING;
            boolean identifies = slot.equals(compared) && !tensor.continued();
            if (embedded || identifies) {
                begin(tensor, r);
            }
            if (embedded) {
                for (int i = 0; i < TokenEnds.PADDING; i++) {
                    add(piece, tensor.elementOf(r, firstToken + i), head);
                    add(piece, tensor.elementOf(r, lastToken - i), tail);
                }
            }
            if (identifies) {
                hash(piece, r, firstToken);
            }
        }
    }

    private void begin(KvSource next, int nextRow) {
        if (next != source || nextRow != row) {
            finish();
            source = next;
            row = nextRow;
        }
    }

    private static void add(TensorPiece piece, long element, Run to) {
        if (piece.holds(element)) {
            to.add(piece.bits(element));
        }
    }

    /** Adds the hashes of the row's tokens whose values lie in the piece. */
    private void hash(TensorPiece piece, int r, int firstToken) {
        KvSource tensor = piece.source;
        long base = tensor.elementOf(r, 0);
        long stride = tensor.elementOf(r, 1) - base;
        int channels = Math.min(CHANNELS, tensor.geometry().headDim());
        int from = (int) Math.max(0, Math.min(tensor.tokens(), (piece.begin - base) / stride));
        for (int token = from; token < tensor.tokens() && base + token * stride < piece.end; token++) {
            for (int d = 0; d < channels && tensor.isReal(r, token); d++) {
                long element = base + token * stride + d;
                if (piece.holds(element)) {
                    long index = (long) (token - firstToken) * CHANNELS + d;
                    sum += mix(index << Integer.SIZE | piece.bits(element) & 0xffff_ffffL);
                    hashed++;
                }
            }
        }
    }

    /** Ends the row that was looked at last. */
    private void finish() {
        equalEnds |= head.ended();
        equalEnds |= tail.ended();
        if (source != null && hashed > 0) {
            int channels = Math.min(CHANNELS, source.geometry().headDim());
            copies.add(source.origin(row), source.offset(), hashed, (long) source.realTokens(row) * channels, sum);
        }
        hashed = 0;
        sum = 0;
    }

    /** What was found so far. */
    Suspicion suspicion() {
        finish();
        source = null;
        return new Suspicion(zeroEnds, equalEnds);
    }

    /** The samples that were compared so far. */
    Copies copies() {
        finish();
        source = null;
        return copies;
    }

    /** A bijective mixer of 64 bits: every bit of the input changes half of the result's. */
    static long mix(long value) {
        long z = value + 0x9e3779b97f4a7c15L;
        z = (z ^ z >>> 32) * 0xd6e8feb86659fd93L;
        z = (z ^ z >>> 32) * 0xd6e8feb86659fd93L;
        return z ^ z >>> 32;
    }
}
