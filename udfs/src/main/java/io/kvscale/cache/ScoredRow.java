package io.kvscale.cache;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.KvTokens;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a quantized cache makes of one sample, in a row of a run. A token is fake-quantized once, when its chunk is done
 * and it is older than the residual.
 */
final class ScoredRow {
    private final FixedScales scales;
    private final ScoredRun run;
    private final int row;
    private final SortedMap<Slot, SquareSums> errors = new TreeMap<>();
    private int coded;
    private double surprise;
    private double divergence;
    private long sameTop;

    /** @param slots of the model */
    ScoredRow(FixedScales scales, ScoredRun run, int row, List<Slot> slots) {
        this.scales = scales;
        this.run = run;
        this.row = row;
        slots.stream().filter(scales::quantizes).forEach(slot -> errors.put(slot, SquareSums.ZERO));
    }

    /** Scores what this cache predicts behind a token beside what the full-precision one does. */
    void score(int at, int token, NextToken reference, NextToken next) {
        run.read(next, row, at);
        surprise += next.surprise(token);
        divergence += reference.divergence(next);
        sameTop += next.top() == reference.top() ? 1 : 0;
    }

    /** Fake-quantizes the tokens before {@code until} that are not yet: later chunks attend to those. */
    void quantize(int until) {
        if (until > coded) {
            for (Slot slot : errors.keySet()) {
                quantize(slot, until);
            }
            coded = until;
        }
    }

    private void quantize(Slot slot, int until) {
        KvTensor leaving = KvTokens.copy(run.decoder().present(slot), row, coded, until);
        KvTensor quantized = scales.fakeQuantize(slot, leaving);
        SquareSums sums = sums(leaving, quantized);
        if (!Double.isFinite(sums.signal())) {
            throw new InvalidDataException(
                    DataProblem.of("NaN or infinite values cannot be quantized", NextToken.REMEDY)
                            .inSlot(slot));
        }
        errors.merge(slot, sums, SquareSums::plus);
        run.decoder().put(slot, row, coded, quantized);
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

    SchemeScore result() {
        return new SchemeScore(surprise, divergence, sameTop, errors);
    }
}
