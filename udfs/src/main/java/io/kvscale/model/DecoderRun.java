package io.kvscale.model;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.kvscale.model.onnx.CacheTensors;
import io.kvscale.model.onnx.GraphQuantizer;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.model.onnx.file.OnnxTypes;
import io.kvscale.numeric.Dtype;
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
 * {@link Decoding} in ONNX Runtime.
 *
 * <p>Native memory: {@link ModelShape#bytesPerToken} times rows times tokens of the largest batch; twice that if a batch is
 * fed in chunks (past and present); up to a quarter more if a buffer grew. Logits take rows times new tokens times
 * vocabulary times 4 bytes, or 6 bytes for 16-bit logits.
 */
public final class DecoderRun implements Decoding {
    private final ModelSession session;
    private final TimeLimit timeLimit;
    private final CacheBuffers[] caches;
    private final TokenInputs inputs;
    private final @Nullable LogitsBuffer logits;
    private final @Nullable QuantizerInputs quantizers;
    private final CacheBuffers computed;

    /** The index of the cache with the tokens fed so far; the other cache receives the next present. */
    private int current;

    private int rows;
    private int tokens;
    private boolean padded;

    DecoderRun(ModelSession session, TimeLimit timeLimit) {
        this(session, timeLimit, Map.of());
    }

    DecoderRun(ModelSession session, TimeLimit timeLimit, Map<Slot, GraphQuantizer> quantizers) {
        if (!session.quantizes() && !quantizers.isEmpty()) {
            throw new IllegalArgumentException("the model was opened without quantization");
        }
        this.quantizers = session.quantizes() ? new QuantizerInputs(session.shape(), quantizers) : null;
        this.computed = new CacheBuffers(session.shape());
        this.session = session;
        this.timeLimit = timeLimit;
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
                // Frees the memory of a batch that was too large, so that the next batch can run.
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
            throw new IllegalArgumentException("rows of different lengths must be fed at once, not in chunks");
        }
        padded = shortest != longest;
        long total = (long) tokens + longest;
        if (total > session.shape().maxPositions()) {
            throw new InvalidDataException(
                    "a sequence has " + total + " tokens, the model allows "
                            + session.shape().maxPositions() + " (max_position_embeddings)",
                    "lower max_seq_length in the recipe");
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
            if (quantizers != null) {
                quantizers.put(session.environment(), given);
                computed.resize(rows, quantizers.quantizesAny() ? added : 0);
                for (Slot slot : quantizers.quantized()) {
                    wanted.put(CacheTensors.computed(slot), computed.tensor(session.environment(), slot));
                }
            }
            if (logits != null) {
                wanted.put(CacheTensors.LOGITS, logits.tensor(rows, added));
            }
            timed(given, wanted, (long) rows * added);
        } catch (OrtException e) {
            throw OrtFailure.atRun(e);
        } finally {
            given.values().forEach(OnnxTensor::close);
            wanted.values().forEach(OnnxTensor::close);
        }
    }

    private void timed(Map<String, OnnxTensor> given, Map<String, OnnxTensor> wanted, long newTokens)
            throws OrtException {
        try (TimeLimit.Watch watch = timeLimit.start(newTokens)) {
            try (OrtSession.Result result = session.session().run(given, Set.of(), wanted, watch.options())) {
                assert result.size() == wanted.size();
            } catch (OrtException e) {
                if (watch.isExceeded()) {
                    throw OrtFailure.tooLong(watch.limit(), newTokens, session.graph(), e);
                }
                throw e;
            }
        }
    }

    @Override
    public int tokens() {
        return tokens;
    }

    @Override
    public KvTensor present(Slot slot) {
        checkFed(false);
        return caches[current].values(slot);
    }

    /**
     * K or V of the tokens fed last as the model computed them, before quantization: {@code [rows, kv_heads, new tokens,
     * head_dim]}, in the type of the cache; valid as long as {@link #present}. Only for slots with a quantizer.
     */
    public KvTensor computed(Slot slot) {
        checkFed(false);
        return computed.values(slot);
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

    /** The logits of the tokens fed last as f32, {@code [rows, tokens, vocabulary]}; valid as long as {@link #present}. */
    public FloatBuffer logits() {
        checkFed(false);
        if (logits == null) {
            throw new IllegalStateException("the model was opened without logits");
        }
        return logits.floats();
    }

    private void checkFed(boolean orBegun) {
        if (rows == 0 || (tokens == 0 && !orBegun)) {
            throw new IllegalStateException("call begin and feed first, and again after a feed that failed");
        }
    }

    @Override
    public void close() {
        rows = 0;
        for (CacheBuffers cache : caches) {
            cache.close();
        }
        computed.close();
        inputs.close();
        if (logits != null) {
            logits.close();
        }
    }
}
