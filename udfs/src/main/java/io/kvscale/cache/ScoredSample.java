package io.kvscale.cache;

import io.kvscale.text.TokenSequence;
import java.util.Arrays;
import java.util.List;

/** One sample in a row with the full-precision cache, and in one with each quantized cache. */
final class ScoredSample {
    private final TokenSequence sample;
    private final ScoredRun exact;
    private final int row;
    private final List<ScoredRow> schemes;
    private double surprise;

    /** @param exact the run with the full-precision cache @param row of that @param schemes the other rows */
    ScoredSample(TokenSequence sample, ScoredRun exact, int row, List<ScoredRow> schemes) {
        this.sample = sample;
        this.exact = exact;
        this.row = row;
        this.schemes = schemes;
    }

    /** The ids {@code [from, to)}; behind the end of the sample any, to which none of its tokens attends. */
    int[] ids(int from, int to) {
        int[] ids = sample.ids();
        return from >= ids.length ? new int[to - from] : Arrays.copyOfRange(ids, from, to);
    }

    /** Scores what the tokens {@code [from, to)} predict; the two are scratch space. */
    void score(int from, int to, NextToken reference, NextToken next) {
        for (int at = from; at < Math.min(to, sample.ids().length - 1); at++) {
            int token = sample.ids()[at + 1];
            exact.read(reference, row, at);
            surprise += reference.surprise(token);
            for (ScoredRow scheme : schemes) {
                scheme.score(at, token, reference, next);
            }
        }
    }

    /** Quantizes what leaves the residual with a chunk. @param end of the chunk */
    void quantize(int end, int residualLength) {
        int until = Math.min(end, sample.ids().length) - residualLength;
        schemes.forEach(scheme -> scheme.quantize(until));
    }

    SampleScore result() {
        int tokens = sample.ids().length;
        List<SchemeScore> scores = schemes.stream().map(ScoredRow::result).toList();
        return new SampleScore(sample.name(), tokens, tokens - 1, surprise, scores);
    }
}
