package io.kvscale.evaluation;

import io.kvscale.cache.FixedScales;
import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.model.DecoderRun;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Slot;
import java.nio.FloatBuffer;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One sample in a decoder whose past is fake-quantized with fixed scales, chunk by chunk: a token is quantized once, when
 * its chunk is done and it is older than the residual.
 */
final class ScoredRun implements AutoCloseable {
    private final DecoderRun run;
    private final @Nullable QuantizedKvCache cache;
    private final SortedMap<Slot, SquareSums> errors = new TreeMap<>();
    private final NextToken next;
    private FloatBuffer logits = FloatBuffer.allocate(0);
    /** Tokens that were there before the chunk fed last. */
    private int before;

    private double negativeLogLikelihood;
    private double divergence;
    private long topTokenMatches;

    /** @param scales null for the full-precision cache */
    ScoredRun(DecoderRun run, ModelShape shape, @Nullable FixedScales scales, int residualLength) {
        this.run = run;
        this.cache = scales == null ? null : QuantizedKvCache.withFixedScales(scales, residualLength);
        this.next = new NextToken(shape.vocabulary());
        if (scales != null) {
            shape.slots().stream().filter(scales::quantizes).forEach(slot -> errors.put(slot, SquareSums.ZERO));
        }
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

    /** Scores what a row of the chunk's logits says of the token behind it. */
    NextToken score(int row, int token) {
        next.read(logits, row);
        negativeLogLikelihood += next.negativeLogLikelihood(token);
        return next;
    }

    /** Scores it beside the full-precision cache's distribution, too. */
    void score(int row, int token, NextToken reference) {
        score(row, token);
        divergence += reference.divergence(next);
        topTokenMatches += next.top() == reference.top() ? 1 : 0;
    }

    /** Fake-quantizes the tokens that leave the residual with the chunk fed last: later chunks attend to those. */
    void quantize() {
        if (cache != null) {
            cache.fakeQuantize(run, errors.keySet(), before, this::add);
        }
    }

    private void add(Slot slot, KvTensor leaving, KvTensor quantized) {
        SquareSums sums = sums(leaving, quantized);
        if (!Double.isFinite(sums.signal())) {
            throw new InvalidDataException(
                    DataProblem.of("NaN or infinite values cannot be quantized", NextToken.REMEDY)
                            .inSlot(slot));
        }
        errors.merge(slot, sums, SquareSums::plus);
    }

    private static SquareSums sums(KvTensor values, KvTensor quantized) {
        double signal = 0;
        double noise = 0;
        for (int i = 0; i < values.size(); i++) {
            double value = values.value(i);
            double error = quantized.value(i) - value;
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
