package io.kvscale.evaluation;

import io.kvscale.cache.FixedScales;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.NativeMemoryException;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.task.TextTask;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import io.kvscale.text.TokenSequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What one task of an evaluation does: runs samples, one at a time, with the full-precision cache and with every quantized
 * one in step, chunk by chunk, so that the logits of one chunk are all that is held of any. A chunk attends to itself in
 * full precision and to all before it fake-quantized.
 *
 * <p>Not thread-safe: every task owns one.
 */
public final class EvaluationTask implements AutoCloseable {
    private final ModelShape shape;
    private final int chunk;
    private final ScoredRun baseline;
    private final List<ScoredRun> schemes = new ArrayList<>();

    /**
     * Nothing run yet.
     *
     * @param model with logits; stays open
     * @param scales of each quantized cache; they fit the model, see {@link FixedScales#checkFit}
     * @param chunk tokens of a chunk
     * @param residualLength how many of the newest tokens stay in full precision
     */
    public EvaluationTask(DecoderModel model, List<FixedScales> scales, int chunk, int residualLength) {
        if (chunk < 1 || residualLength < 0) {
            throw new IllegalArgumentException("chunk " + chunk + ", residual_length " + residualLength);
        }
        this.shape = model.shape();
        this.chunk = chunk;
        this.baseline = new ScoredRun(model.newRun(), shape, null, 0);
        for (FixedScales fixed : scales) {
            schemes.add(new ScoredRun(model.newRun(), shape, fixed, residualLength));
        }
    }

    /**
     * Runs one sample.
     *
     * @throws InvalidDataException naming the sample, if the model cannot run it, or gives NaN or infinite values; naming
     *     none, if there is no more native memory
     */
    public SampleScore score(TokenSequence sample) {
        try {
            checkMemory(sample.ids().length);
            return score(sample.name(), sample.ids());
        } catch (NativeMemoryException e) {
            throw e; // not the sample's fault
        } catch (InvalidDataException e) {
            throw new InvalidDataException(e.problem().inSample(Sample.named(sample.name())), e);
        }
    }

    private void checkMemory(int tokens) {
        long each = 2 * shape.bytesPerToken() * (1 + schemes.size());
        if (each * tokens > TextTask.MAX_NATIVE_BYTES) {
            throw new InvalidDataException(DataProblem.of(
                    "K and V of " + tokens + " tokens in " + (1 + schemes.size()) + " caches take " + each * tokens
                            + " bytes, and " + TextTask.MAX_NATIVE_BYTES + " is the most that a task takes",
                    "compare fewer --scales at once, or say max_seq_length: " + TextTask.MAX_NATIVE_BYTES / each
                            + ", or less, under kvscale in the recipe"));
        }
    }

    private SampleScore score(String name, int[] ids) {
        for (int id : ids) {
            shape.checkId(id); // a token is predicted before it is fed
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

    /** Releases buffers, not the model. */
    @Override
    public void close() {
        baseline.close();
        schemes.forEach(ScoredRun::close);
    }
}
