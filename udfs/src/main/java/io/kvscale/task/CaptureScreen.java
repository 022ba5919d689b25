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
 * nothing beside the observation, because it reads only head 0, and of most tensors two values. Not thread-safe.
 */
final class CaptureScreen {
    /** Layers are searched up to this one for the first one to calibrate. */
    private static final int MAX_FIRST_LAYER = 255;

    private final EndScreen ends = new EndScreen();
    private final SampleHash hash = new SampleHash();
    private final Slot compared;
    private @Nullable KvSource source;
    private int row;

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

    /** Looks at a piece of a tensor of K or V. The pieces of a tensor that a task has must come one after another. */
    void observe(Slot slot, Position position, ByteBuffer chunk) {
        if (!chunk.hasRemaining() || !slot.role().isCached()) {
            return;
        }
        KvSource tensor = position.source();
        TensorPiece piece = new TensorPiece(tensor, position.element(), chunk);
        int last = (int) ((piece.end - 1) / tensor.sizeOfRow());
        for (int r = (int) (piece.begin / tensor.sizeOfRow()); r <= last; r++) {
            if (tensor.firstReal(r) < 0) {
                continue;
            }
            boolean equalTokens = EndScreen.looksForEqualTokens(slot, tensor, r);
            boolean identifies = slot.equals(compared) && !tensor.continued();
            if (equalTokens || identifies) {
                begin(tensor, r);
            }
            ends.observe(piece, r, equalTokens);
            if (identifies) {
                hash.observe(piece, r);
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

    /** Ends the row that was looked at last. */
    private void finish() {
        ends.finish();
        if (source != null) {
            hash.finish(source, row);
        }
        source = null;
    }

    /** What was found so far. */
    Suspicion suspicion() {
        finish();
        return ends.suspicion();
    }

    /** The samples that were compared so far. */
    Copies copies() {
        finish();
        return hash.copies();
    }
}
