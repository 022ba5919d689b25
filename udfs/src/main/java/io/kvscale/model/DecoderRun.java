package io.kvscale.model;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.kvscale.model.onnx.CacheTensors;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.model.onnx.OnnxTypes;
import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.KvTokens;
import io.kvscale.tensor.Slot;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sequences of one batch in a decoder: fed in chunks, with the past fed back. Not thread-safe; native buffers are kept
 * from one batch to the next and released by {@link #close}.
 *
 * <p>They take {@link ModelShape#bytesPerToken} times rows times tokens of the largest batch, twice that where a batch is
 * fed in chunks (past and present), and up to a quarter more where that grew on the way; logits take 4 bytes (6 where the
 * graph gives 2) times rows, new tokens and vocabulary.
 */
public final class DecoderRun implements Decoding {
    private final ModelSession session;
    private final CacheBuffers[] caches;
    private final TokenInputs inputs;
    private final @Nullable LogitsBuffer logits;

    /** Which of the two caches holds what was fed so far; the other one receives the next present. */
    private int current;

    private int rows;
    private int tokens;
    private boolean padded;

    DecoderRun(ModelSession session) {
        this.session = session;
        this.caches = new CacheBuffers[] {new CacheBuffers(session.shape()), new CacheBuffers(session.shape())};
        this.inputs = new TokenInputs(session);
        Optional<Dtype> dtype = OnnxTypes.dtype(session.logitsType());
        this.logits = dtype.map(type -> new LogitsBuffer(session, type)).orElse(null);
    }

    @Override
    public void begin(int rows) {
        if (rows < 1) {
            throw new IllegalArgumentException(rows + " rows, at least 1 expected");
        }
        this.rows = rows;
        tokens = 0;
        padded = false;
        current = 1;
        caches[current].resize(rows, 0);
    }

    @Override
    public void feed(int[][] ids) {
        int added = checked(ids);
        boolean fed = false;
        try {
            run(ids, added);
            fed = true;
        } finally {
            if (!fed) {
                // What a batch took that was too large is not kept from the next one.
                close();
            }
        }
        current = 1 - current;
        tokens += added;
    }

    private int checked(int[][] ids) {
        checkFed(true);
        if (ids.length != rows) {
            throw new IllegalArgumentException(ids.length + " rows fed, the batch has " + rows);
        }
        int longest = 0;
        int shortest = Integer.MAX_VALUE;
        for (int[] row : ids) {
            longest = Math.max(longest, row.length);
            shortest = Math.min(shortest, row.length);
            for (int id : row) {
                session.shape().checkId(id);
            }
        }
        if (shortest == 0) {
            throw new IllegalArgumentException("a row without tokens");
        }
        if (padded || (tokens > 0 && shortest != longest)) {
            throw new IllegalArgumentException("rows of different lengths are fed at once, not in chunks");
        }
        padded = shortest != longest;
        long total = (long) tokens + longest;
        if (total > session.shape().maxPositions()) {
            throw new InvalidDataException(DataProblem.of(
                    "a sequence of " + total + " tokens, the model takes "
                            + session.shape().maxPositions() + " (max_position_embeddings)",
                    "cut texts shorter: max_seq_length"));
        }
        return longest;
    }

    private void run(int[][] ids, int added) {
        CacheBuffers past = caches[current];
        CacheBuffers present = caches[1 - current];
        present.resize(rows, tokens + added);
        Map<String, OnnxTensor> given = new HashMap<>();
        Map<String, OnnxTensor> wanted = new HashMap<>();
        try {
            inputs.put(ids, tokens, added, given);
            for (Slot slot : past.slots()) {
                given.put(CacheTensors.past(slot), past.tensor(session.environment(), slot));
                wanted.put(CacheTensors.present(slot), present.tensor(session.environment(), slot));
            }
            if (logits != null) {
                wanted.put(CacheTensors.LOGITS, logits.tensor(rows, added));
            }
            try (OrtSession.Result result = session.session().run(given, Set.of(), wanted)) {
                assert result.size() == wanted.size();
            }
        } catch (OrtException e) {
            throw OrtFailure.atRun(e);
        } finally {
            given.values().forEach(OnnxTensor::close);
            wanted.values().forEach(OnnxTensor::close);
        }
    }

    @Override
    public int tokens() {
        return tokens;
    }

    /**
     * K or V of all tokens fed so far, {@code [rows, kv_heads, tokens, head_dim]}, padding included: a view of native
     * memory, valid until the next {@link #feed}, {@link #begin} or {@link #close}; read later it may end the JVM.
     */
    @Override
    public KvTensor present(Slot slot) {
        checkFed(false);
        return caches[current].values(slot);
    }

    @Override
    public void put(Slot slot, int row, int at, KvTensor values) {
        KvTensor held = present(slot);
        boolean within = row >= 0 && row < rows && at >= 0 && at <= tokens - values.tokens();
        if (!within || values.batch() != 1 || !values.geometry().equals(held.geometry())) {
            throw new IllegalArgumentException(
                    slot + ": " + values + " in row " + row + " from token " + at + " on of " + held);
        }
        KvTokens.put(values, held.values(), tokens, row, at);
    }

    /** Of the tokens fed last, {@code [rows, tokens, vocabulary]}, widened to f32; valid as {@link #present} is. */
    public FloatBuffer logits() {
        checkFed(false);
        if (logits == null) {
            throw new IllegalStateException("the model was opened without logits");
        }
        return logits.floats();
    }

    private void checkFed(boolean orBegun) {
        if (rows == 0 || (tokens == 0 && !orBegun)) {
            throw new IllegalStateException("begin and feed come first, and again after a feed that failed");
        }
    }

    @Override
    public void close() {
        rows = 0;
        for (CacheBuffers cache : caches) {
            cache.close();
        }
        inputs.close();
        if (logits != null) {
            logits.close();
        }
    }
}
