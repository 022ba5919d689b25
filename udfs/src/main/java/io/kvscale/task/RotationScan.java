package io.kvscale.task;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.LayerFilter;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.model.config.Rotary;
import io.kvscale.observer.PieceListener;
import io.kvscale.observer.evidence.RotationEvidence;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the sizes of channels of each sample while a task observes it, in the first layers. The cost for a sample grows
 * neither with the model nor with the tokens. Not thread-safe.
 */
final class RotationScan {
    /** With fewer tokens the maxima of channels differ by chance. */
    static final int MIN_TOKENS = 48;

    /** Pairs of all layers that are looked at: enough for a clear picture, and about 1 MB of a sample. */
    private static final int PAIRS = 768;

    private final CaptureOptions options;
    private final LayerFilter layers;
    /** Number of layers with RoPE before each layer, as far as they were asked for. */
    private final List<Integer> ranks = new ArrayList<>(List.of(0));

    private final SampleRotations found = new SampleRotations();

    RotationScan(CaptureOptions options) {
        this.options = options;
        this.layers = options.layerFilter();
    }

    /** What looks at the pieces of a tensor; null if the tensor is not looked at. */
    @Nullable
    PieceListener listener(Slot slot, KvSource tensor) {
        boolean looked = slot.role().isCached() && !tensor.continued() && tensor.tokens() >= MIN_TOKENS;
        int channels = looked ? channels(slot, tensor.geometry()) : 0;
        return channels == 0 ? null : (source, row, values, sizes) -> add(slot, source, row, values, sizes, channels);
    }

    private void add(Slot slot, KvSource tensor, int row, long values, PieceListener.Sizes sizes, int channels) {
        Origin origin = tensor.origin(row);
        // A sample may lie in several files.
        Origin key = origin.sample() == null ? origin : new Origin(origin.sample(), "");
        if (values == 0 || tensor.realTokens(row) < MIN_TOKENS || !found.mayKeep(key)) {
            return;
        }
        Geometry geometry = tensor.geometry();
        float[] maxima = new float[geometry.channels()];
        for (int c = 0; c < maxima.length; c++) {
            maxima[c] = sizes.of(c);
        }
        long all = (long) tensor.realTokens(row) * geometry.channels();
        found.add(key, slot, new SampleRotations.Part(maxima, values, all, geometry.headDim(), channels));
    }

    /** The channels of a head that RoPE turns; 0 if the layer is not looked at. */
    private int channels(Slot slot, Geometry geometry) {
        Rotary rotary = rotary(slot.layer(), geometry.headDim());
        int channels = Math.min(rotary.channels(), geometry.headDim());
        if (!isRotary(rotary) || channels % 2 != 0 || channels < RotationEvidence.MIN_CHANNELS) {
            return 0;
        }
        int rank = rank(slot.layer());
        return rank * (channels / 4) * geometry.heads() < PAIRS ? channels : 0;
    }

    /** Number of layers with RoPE before this one. */
    private int rank(int layer) {
        while (ranks.size() <= layer) {
            int before = ranks.size() - 1;
            boolean counts = layers.includes(before) && isRotary(rotary(before, 0));
            ranks.add(ranks.get(before) + (counts ? 1 : 0));
        }
        return ranks.get(layer);
    }

    private Rotary rotary(int layer, int headDim) {
        @Nullable ModelConfig model = options.model();
        return RotationEvidence.rotary(model, layer, headDim);
    }

    private static boolean isRotary(Rotary rotary) {
        return rotary.turns();
    }

    /** What was found so far. */
    SampleRotations found() {
        return found;
    }
}
