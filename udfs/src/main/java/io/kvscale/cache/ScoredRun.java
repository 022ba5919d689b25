package io.kvscale.cache;

import io.kvscale.model.DecoderRun;
import java.nio.FloatBuffer;

/** A run, and what it predicts behind the tokens fed last. */
final class ScoredRun implements AutoCloseable {
    private final DecoderRun decoder;
    private FloatBuffer logits = FloatBuffer.allocate(0);
    private int from;
    private int to;

    ScoredRun(DecoderRun decoder) {
        this.decoder = decoder;
    }

    DecoderRun decoder() {
        return decoder;
    }

    void begin(int rows) {
        decoder.begin(rows);
        to = 0;
    }

    void feed(int[][] ids) {
        decoder.feed(ids);
        logits = decoder.logits();
        from = to;
        to = decoder.tokens();
    }

    /** Tokens fed so far. */
    int tokens() {
        return to;
    }

    /** Reads what a row predicts behind one of the tokens fed last. */
    void read(NextToken next, int row, int at) {
        next.read(logits, row * (to - from) + at - from);
    }

    @Override
    public void close() {
        decoder.close();
    }
}
