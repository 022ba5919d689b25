package io.kvscale.evaluation;

import io.kvscale.cache.FixedScales;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.NativeLimitException;
import io.kvscale.model.Outputs;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.task.TextTask;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import io.kvscale.text.TokenSequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Scores samples with the full-precision cache and with quantized caches. All caches advance chunk by chunk together, so
 * that only the logits of one chunk are held. Not thread-safe.
 */
public final class EvaluationTask implements AutoCloseable {
    /** Of the logits of a run, where the graph quantizes and chunks matter only for memory. */
    private static final long LOGITS_BYTES = 64 << 20;

    private static final int LEAST_TOKENS = 16;

    private final ModelShape shape;
    private final int chunk;
    private final ScoredRun baseline;
    private final List<ScoredRun> schemes = new ArrayList<>();

    /**
     * @param model with logits, opened with {@link #outputs}; stays open
     * @param scales the scales of each quantized cache; they must {@linkplain FixedScales#checkFit fit} the model
     */
    public EvaluationTask(DecoderModel model, List<FixedScales> scales, Attention attention) {
        this.shape = model.shape();
        this.chunk = attention.isQuantized()
                ? (int) Math.max(LEAST_TOKENS, LOGITS_BYTES / (Float.BYTES * (long) shape.vocabulary()))
                : attention.chunk();
        this.baseline = ScoredRun.full(model);
        try {
            for (FixedScales fixed : scales) {
                schemes.add(
                        attention.isQuantized()
                                ? ScoredRun.inGraph(model, fixed)
                                : ScoredRun.afterChunks(model, fixed, attention.residualLength()));
            }
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /** The outputs to open a model with. */
    public static Outputs outputs(Attention attention) {
        return attention.isQuantized() ? Outputs.QUANTIZED : Outputs.CACHE_AND_LOGITS;
    }

    /**
     * Scores one sample.
     *
     * @throws InvalidDataException if the model cannot run the sample, or computes NaN or infinite values; names the sample,
     *     unless native memory ran out
     */
    public SampleScore score(TokenSequence sample) {
        try {
            checkMemory(sample.ids().length);
            return score(sample.name(), sample.ids());
        } catch (NativeLimitException e) {
            throw e; // a limit of the machine: not an error of the sample
        } catch (InvalidDataException e) {
            throw new InvalidDataException(e.problem().inSample(Sample.named(sample.name())), e);
        }
    }

    private void checkMemory(int tokens) {
        long each = 2 * shape.bytesPerToken() * (1 + schemes.size());
        if (each * tokens > TextTask.MAX_NATIVE_BYTES) {
            throw new InvalidDataException(
                    "K and V of " + tokens + " tokens in " + (1 + schemes.size()) + " caches take " + each * tokens
                            + " bytes, more than the limit of " + TextTask.MAX_NATIVE_BYTES + " per task",
                    "compare fewer --scales at once, or set max_seq_length: " + TextTask.MAX_NATIVE_BYTES / each
                            + " or less under kvscale in the recipe");
        }
    }

    private SampleScore score(String name, int[] ids) {
        for (int id : ids) {
            shape.checkId(id); // checked first, because a token is predicted before it is fed
        }
        baseline.begin();
        schemes.forEach(ScoredRun::begin);
        for (int from = 0; from < ids.length; from += chunk) {
            int to = Math.min(from + chunk, ids.length);
            int[] next = Arrays.copyOfRange(ids, from, to);
            baseline.feed(next);
            schemes.forEach(scheme -> scheme.feed(next));
            for (int at = from; at < Math.min(to, ids.length - 1); at++) {
                NextToken reference = baseline.score(at - from, ids[at + 1]);
                for (ScoredRun scheme : schemes) {
                    scheme.score(at - from, ids[at + 1], reference);
                }
            }
            schemes.forEach(ScoredRun::quantize);
        }
        return new SampleScore(
                name,
                ids.length,
                ids.length - 1,
                baseline.negativeLogLikelihood(),
                schemes.stream().map(ScoredRun::result).toList());
    }

    /** Releases buffers; the model stays open. */
    @Override
    public void close() {
        baseline.close();
        schemes.forEach(ScoredRun::close);
    }
}
