package io.kvscale.evaluation;

import io.kvscale.cache.FixedScales;
import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.DecoderRun;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.KvTokens;
import io.kvscale.tensor.Slot;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Runs one sample with one cache, and sums its scores. */
final class ScoredRun implements AutoCloseable {
    private final DecoderRun run;
    private final Past past;
    private final SortedMap<Slot, SquareSums> errors = new TreeMap<>();
    private final NextToken next;
    private FloatBuffer logits = FloatBuffer.allocate(0);
    /** The number of tokens before the last chunk. */
    private int before;

    private double negativeLogLikelihood;
    private double divergence;
    private long topTokenMatches;

    /** What happens to the tokens of a chunk after it ran. */
    private interface Past {
        /** @param computed receives values before and after quantization */
        void after(DecoderRun run, int before, QuantizedKvCache.Listener computed);
    }

    private ScoredRun(DecoderRun run, ModelShape shape, @Nullable FixedScales scales, Past past) {
        this.run = run;
        this.past = past;
        this.next = new NextToken(shape.vocabulary());
        if (scales != null) {
            shape.slots().stream().filter(scales::quantizes).forEach(slot -> errors.put(slot, SquareSums.ZERO));
        }
    }

    /** The full-precision cache. */
    static ScoredRun full(DecoderModel model) {
        return new ScoredRun(model.newRun(), model.shape(), null, (run, before, computed) -> {});
    }

    /** A cache that is fake-quantized after each chunk, up to the newest {@code residualLength} tokens. */
    static ScoredRun afterChunks(DecoderModel model, FixedScales scales, int residualLength) {
        QuantizedKvCache cache = QuantizedKvCache.withFixedScales(scales, residualLength);
        List<Slot> slots = model.shape().slots();
        return new ScoredRun(
                model.newRun(),
                model.shape(),
                scales,
                (run, before, computed) -> cache.fakeQuantize(run, slots, before, computed));
    }

    /** A cache that the graph quantizes. */
    static ScoredRun inGraph(DecoderModel model, FixedScales scales) {
        ModelShape shape = model.shape();
        List<Slot> slots = shape.slots().stream().filter(scales::quantizes).toList();
        return new ScoredRun(
                model.newRun(scales.graphQuantizers(shape.geometry())), shape, scales, (run, before, computed) -> {
                    for (Slot slot : slots) {
                        KvTensor quantized = KvTokens.copy(run.present(slot), 0, before, run.tokens());
                        computed.replaced(slot, run.computed(slot), quantized);
                    }
                });
    }

    void begin() {
        run.begin(1);
        negativeLogLikelihood = 0;
        divergence = 0;
        topTokenMatches = 0;
        errors.replaceAll((slot, sums) -> SquareSums.ZERO);
    }

    void feed(int[] chunk) {
        before = run.tokens();
        run.feed(new int[][] {chunk});
        logits = run.logits();
    }

    /** Scores the prediction that a row of the chunk's logits makes for the next token. */
    NextToken score(int row, int token) {
        next.read(logits, row);
        negativeLogLikelihood += next.negativeLogLikelihood(token);
        return next;
    }

    /** Also compares the prediction with that of the full-precision cache. */
    void score(int row, int token, NextToken reference) {
        score(row, token);
        divergence += reference.divergence(next);
        topTokenMatches += next.top() == reference.top() ? 1 : 0;
    }

    /** Takes account of the quantization of the last chunk. */
    void quantize() {
        past.after(run, before, this::add);
    }

    private void add(Slot slot, KvTensor leaving, KvTensor quantized) {
        errors.merge(slot, finiteSums(slot, leaving, quantized), SquareSums::plus);
    }

    /** @throws InvalidDataException if a value, or what it is quantized to, is NaN or infinite; names the slot */
    static SquareSums finiteSums(Slot slot, KvTensor values, KvTensor quantized) {
        SquareSums sums = sums(values, quantized);
        if (!Double.isFinite(sums.signal())) {
            throw new InvalidDataException(
                    DataProblem.of("NaN or infinite values cannot be quantized", NextToken.REMEDY)
                            .inSlot(slot));
        }
        if (!Double.isFinite(sums.noise())) {
            throw new InvalidDataException(DataProblem.of(
                            "the scales give infinite values in the cache, which is "
                                    + values.geometry().dtype(),
                            "use scales that were calibrated on this model")
                    .inSlot(slot));
        }
        return sums;
    }

    static SquareSums sums(KvTensor values, KvTensor quantized) {
        float[] exact = values.floats();
        float[] rounded = quantized.floats();
        double signal = 0;
        double noise = 0;
        for (int i = 0; i < exact.length; i++) {
            double value = exact[i];
            double error = rounded[i] - value;
            signal += value * value;
            noise += error * error;
        }
        return new SquareSums(signal, noise);
    }

    double negativeLogLikelihood() {
        return negativeLogLikelihood;
    }

    SchemeScore result() {
        return new SchemeScore(negativeLogLikelihood, divergence, topTokenMatches, errors);
    }

    @Override
    public void close() {
        run.close();
    }
}
