package io.kvscale.cache;

import io.kvscale.model.DecoderModel;
import io.kvscale.model.ModelShape;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import io.kvscale.text.TokenBatch;
import io.kvscale.text.TokenSequence;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What one task of an evaluation does: runs samples with the full-precision cache and with every quantized one, chunk by
 * chunk. A chunk attends to itself in full precision and to all before it fake-quantized.
 *
 * <p>A model takes little longer for many tokens at once than for few. So all caches are rows of one batch, where the model
 * can feed such in chunks: nothing passes from row to row. Else each has a run of its own, and the full-precision one, which
 * needs no chunks, is fed as much as memory for its logits allows.
 *
 * <p>Not thread-safe: every task owns one.
 */
public final class EvaluationTask implements AutoCloseable {
    /** For logits: a chunk is fed in pieces where its own take more. */
    private static final long MAX_LOGITS_BYTES = 64L << 20;

    private final ModelShape shape;
    private final List<Slot> slots = new ArrayList<>();
    private final List<FixedScales> scales;
    private final int chunk;
    private final int residualLength;
    private final long maxCacheBytes;
    private final long maxLogitsBytes;
    private final ScoredRun exact;
    /** Whether all caches are rows of that run, too; else each of the quantized ones has its own. */
    private final boolean batched;

    private final List<ScoredRun> quantized;
    private final NextToken reference;
    private final NextToken next;

    /**
     * Nothing run yet.
     *
     * @param model with logits; stays open
     * @param scales of each quantized cache; they fit the model, see {@link FixedScales#checkFit}
     * @param chunk tokens of a chunk
     * @param residualLength how many of the newest tokens stay in full precision
     */
    public EvaluationTask(DecoderModel model, List<FixedScales> scales, int chunk, int residualLength) {
        this(
                model,
                scales,
                chunk,
                residualLength,
                model.feedsRowsInChunks(),
                TextTask.MAX_NATIVE_BYTES,
                MAX_LOGITS_BYTES);
    }

    EvaluationTask(
            DecoderModel model,
            List<FixedScales> scales,
            int chunk,
            int residualLength,
            boolean batched,
            long maxCacheBytes,
            long maxLogitsBytes) {
        if (chunk < 1 || residualLength < 0) {
            throw new IllegalArgumentException("chunk " + chunk + ", residual_length " + residualLength);
        }
        this.shape = model.shape();
        for (int layer = 0; layer < shape.layers(); layer++) {
            for (Role role : Role.values()) {
                slots.add(new Slot(layer, role));
            }
        }
        this.scales = List.copyOf(scales);
        this.chunk = chunk;
        this.residualLength = residualLength;
        this.maxCacheBytes = maxCacheBytes;
        this.maxLogitsBytes = maxLogitsBytes;
        this.exact = new ScoredRun(model.newRun());
        this.batched = batched;
        this.quantized = IntStream.range(0, batched ? 0 : scales.size())
                .mapToObj(i -> new ScoredRun(model.newRun()))
                .toList();
        this.reference = new NextToken(shape.vocabulary());
        this.next = new NextToken(shape.vocabulary());
    }

    /**
     * Runs samples: together where model and memory allow it and none fails, else one by one.
     *
     * @return of each, in their order; a problem names the sample that the model cannot run, or of which it makes NaN or
     *     infinite values
     */
    public List<Scored> score(TokenBatch batch) {
        List<TokenSequence> samples = batch.rows();
        if (batched && samples.size() > 1 && (1L + scales.size()) * samples.size() <= mostRows(longest(samples))) {
            try {
                return together(samples, scales).stream()
                        .map(score -> new Scored(score, null))
                        .toList();
            } catch (InvalidDataException e) {
                // Each by itself will show whose fault it is.
            }
        }
        return samples.stream().map(this::alone).toList();
    }

    /** With as many quantized caches at once as memory allows, but at least one, each time beside the exact one. */
    private Scored alone(TokenSequence sample) {
        int some = (int) Math.max(1, Math.min(scales.size(), mostRows(sample.ids().length) - 1));
        try {
            SampleScore score = alone(sample, 0, some);
            List<SchemeScore> schemes = new ArrayList<>(score.schemes());
            for (int from = some; from < scales.size(); from += some) {
                schemes.addAll(alone(sample, from, some).schemes());
            }
            return new Scored(
                    new SampleScore(score.sample(), score.tokens(), score.predicted(), score.surprise(), schemes),
                    null);
        } catch (InvalidDataException e) {
            return new Scored(null, e.problem().inSample(Sample.named(sample.name())));
        }
    }

    private SampleScore alone(TokenSequence sample, int from, int some) {
        return together(List.of(sample), scales.subList(from, Math.min(from + some, scales.size())))
                .get(0);
    }

    private List<SampleScore> together(List<TokenSequence> samples, List<FixedScales> caches) {
        samples.forEach(this::checkIds);
        int rowsEach = batched ? 1 + caches.size() : 1;
        List<ScoredRun> runs = batched ? List.of(exact) : quantized.subList(0, caches.size());
        List<ScoredSample> scored = new ArrayList<>();
        for (TokenSequence sample : samples) {
            int row = scored.size() * rowsEach;
            List<ScoredRow> schemes = new ArrayList<>();
            for (int i = 0; i < caches.size(); i++) {
                ScoredRun run = batched ? exact : quantized.get(i);
                schemes.add(new ScoredRow(caches.get(i), run, batched ? row + 1 + i : row, slots));
            }
            scored.add(new ScoredSample(sample, exact, row, schemes));
        }
        exact.begin(samples.size() * rowsEach);
        runs.forEach(run -> run.begin(samples.size() * rowsEach));
        int longest = longest(samples);
        for (int from = 0; from < longest; ) {
            if (!batched && from == exact.tokens()) {
                exact.feed(ids(scored, from, (int) Math.min(longest, from + mostTokens(1)), 1));
            }
            long endOfChunk = Math.min(longest, (from / chunk + 1L) * chunk);
            long most = from + mostTokens(samples.size() * (1 + caches.size()));
            int to = (int) Math.min(Math.min(endOfChunk, most), batched ? longest : exact.tokens());
            int[][] ids = ids(scored, from, to, rowsEach);
            runs.forEach(run -> run.feed(ids));
            for (ScoredSample sample : scored) {
                sample.score(from, to, reference, next);
                if (to == endOfChunk) {
                    sample.quantize(to, residualLength);
                }
            }
            from = to;
        }
        return scored.stream().map(ScoredSample::result).toList();
    }

    private static int[][] ids(List<ScoredSample> scored, int from, int to, int rowsEach) {
        return scored.stream()
                .map(sample -> sample.ids(from, to))
                .flatMap(ids -> IntStream.range(0, rowsEach).mapToObj(row -> ids))
                .toArray(int[][]::new);
    }

    private static int longest(List<TokenSequence> samples) {
        return samples.stream().mapToInt(sample -> sample.ids().length).max().orElse(0);
    }

    /** How many rows of so many tokens the memory for K and V takes, which are past and present at once. */
    private long mostRows(int tokens) {
        return maxCacheBytes / (2L * tokens * shape.bytesPerToken());
    }

    /** How many tokens of so many rows the memory for logits takes: whole chunks, if it takes one. */
    private long mostTokens(int rows) {
        long tokens = Math.max(1, maxLogitsBytes / ((long) rows * shape.vocabulary() * Float.BYTES));
        return tokens < chunk ? tokens : tokens / chunk * chunk;
    }

    private void checkIds(TokenSequence sample) {
        for (int id : sample.ids()) {
            if (id < 0 || id >= shape.vocabulary()) {
                throw new InvalidDataException(DataProblem.of(
                        "the token id " + id + " is not within the model's vocabulary of " + shape.vocabulary(),
                        "take the tokenizer of this model"));
            }
        }
    }

    /** Releases buffers, not the model. */
    @Override
    public void close() {
        exact.close();
        quantized.forEach(ScoredRun::close);
    }
}
