package io.kvscale.task;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.model.config.Rotary;
import io.kvscale.model.config.Rotary.Pairing;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.evidence.RotationEvidence;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the sizes of channels of each sample while a task observes it: in the first layers, and in the first tokens. The
 * cost for a sample does not grow with the model nor with the tokens. Not thread-safe.
 */
final class RotationScan {
    /** With fewer tokens the maxima of channels differ by chance. */
    static final int MIN_TOKENS = 48;

    static final int MAX_TOKENS = 128;

    /** Pairs of all layers that are looked at: enough for a clear picture, and about 1 MB of a sample. */
    private static final int PAIRS = 768;

    private final CaptureOptions options;
    private final Map<Integer, Integer> ranks = new TreeMap<>();
    private final SampleRotations found = new SampleRotations();

    RotationScan(CaptureOptions options) {
        this.options = options;
    }

    /** Looks at a piece of a tensor. */
    void observe(Slot slot, Position position, ByteBuffer chunk) {
        KvSource tensor = position.source();
        int channels = tensor.continued() || tensor.tokens() < MIN_TOKENS || !chunk.hasRemaining()
                ? 0
                : channels(slot, tensor.geometry());
        if (channels == 0) {
            return;
        }
        long end = position.element()
                + chunk.remaining() / tensor.geometry().dtype().bytes();
        int last = (int) ((end - 1) / tensor.sizeOfRow());
        for (int row = (int) (position.element() / tensor.sizeOfRow()); row <= last; row++) {
            int first = tensor.firstReal(row);
            Origin origin = tensor.origin(row);
            if (first >= 0 && found.mayKeep(origin)) {
                int tokens = Math.min(MAX_TOKENS, tensor.tokens() - first);
                int real = 0;
                for (int token = first; token < first + tokens; token++) {
                    real += tensor.isReal(row, token) ? 1 : 0;
                }
                if (real >= MIN_TOKENS) {
                    Window window = new Window(position, chunk, end);
                    SlotStatistics seen = window.fold(row, first, tokens);
                    long all = (long) real * tensor.geometry().channels();
                    add(slot, origin, seen, all, channels);
                }
            }
        }
    }

    private void add(Slot slot, Origin origin, SlotStatistics seen, long all, int channels) {
        long values = seen.finite() + seen.nan() + seen.infinite();
        if (values == 0) {
            return;
        }
        Range[] ranges = seen.ranges(1);
        float[] sizes = new float[ranges.length];
        for (int c = 0; c < sizes.length; c++) {
            sizes[c] = ranges[c].isEmpty() ? 0 : Math.max(-ranges[c].min(), ranges[c].max());
        }
        // A sample may lie in several files.
        Origin key = origin.sample() == null ? origin : new Origin(origin.sample(), "");
        found.add(
                key,
                slot,
                new SampleRotations.Part(sizes, values, all, seen.geometry().headDim(), channels));
    }

    /** The channels of a head that RoPE turns; 0 if the layer is not looked at. */
    private int channels(Slot slot, Geometry geometry) {
        Rotary rotary = rotary(slot.layer(), geometry.headDim());
        int channels = Math.min(rotary.channels(), geometry.headDim());
        if (!isRotary(rotary) || channels % 2 != 0 || channels < RotationEvidence.MIN_CHANNELS) {
            return 0;
        }
        int rank = ranks.computeIfAbsent(slot.layer(), this::rank);
        return rank * (channels / 4) * geometry.heads() < PAIRS ? channels : 0;
    }

    /** Number of layers with RoPE before this one. */
    private int rank(int layer) {
        int rank = 0;
        for (int before = 0; before < layer; before++) {
            rank += options.layerFilter().includes(before) && isRotary(rotary(before, 0)) ? 1 : 0;
        }
        return rank;
    }

    private Rotary rotary(int layer, int headDim) {
        @Nullable ModelConfig model = options.model();
        return RotationEvidence.rotary(model, layer, headDim);
    }

    private static boolean isRotary(Rotary rotary) {
        return rotary.pairing() != Pairing.NONE;
    }

    /** A piece of a tensor from which tokens are taken. */
    private record Window(Position position, ByteBuffer chunk, long end) {
        /** The channels of some tokens of a row, as far as the piece holds them. */
        SlotStatistics fold(int row, int firstToken, int tokens) {
            KvSource tensor = position.source();
            Geometry geometry = tensor.geometry();
            SlotStatistics seen = new SlotStatistics(geometry, null, null);
            int runs = tensor.tokenMajor() ? 1 : geometry.heads();
            long size = (long) tokens * geometry.channels() / runs;
            long stride = tensor.sizeOfRow() / runs;
            for (int run = 0; run < runs; run++) {
                long begin = tensor.elementOf(row, firstToken) + run * stride;
                long from = Math.max(begin, position.element());
                long to = Math.min(begin + size, end);
                if (from < to) {
                    seen.update(new Position(tensor, from), part(from, to));
                }
            }
            return seen;
        }

        private ByteBuffer part(long from, long to) {
            int bytes = position.source().geometry().dtype().bytes();
            int start = chunk.position() + (int) (from - position.element()) * bytes;
            return chunk.slice(start, (int) (to - from) * bytes).order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    /** What was found so far. */
    SampleRotations found() {
        return found;
    }
}
