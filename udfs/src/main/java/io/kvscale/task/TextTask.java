package io.kvscale.task;

import io.kvscale.cache.FixedScales;
import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.capture.layout.LayerFilter;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.Decoding;
import io.kvscale.model.NativeBuffer;
import io.kvscale.model.NativeMemoryException;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.KvTokens;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import io.kvscale.text.TokenBatch;
import io.kvscale.text.TokenSequence;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What one task over token ids does: it runs a decoder and observes K and V of the real tokens, never of padding. The
 * statistics are those that {@link CalibrationTask} gives of the captures that {@link CaptureWriter} saves.
 *
 * <p>Nothing of a sample is observed before the model has run through all of it. Rows of a batch that fails run again one by
 * one, so that the sample is found that it fails for. For one thread.
 */
public final class TextTask implements AutoCloseable {
    /**
     * The most memory outside of the heap that K and V of a batch need in one task: what goes into the model, what comes
     * out, and with feedback what was computed. A constant, so that which samples are refused does not depend on the machine.
     */
    public static final long MAX_NATIVE_BYTES = 4L << 30;

    private final Settings settings;
    private final ModelShape shape;
    private final Decoding run;
    private final @Nullable CaptureSink sink;
    private final LongConsumer progress;
    private final long maxBytes;
    private final List<Slot> all;
    private final List<Slot> observedSlots;
    private final QuantizedKvCache cache;
    private final boolean feedsBack;
    /** How often K and V of a sample are held at once. */
    private final int copies;

    private final Map<Slot, NativeBuffer> computedBuffers = new TreeMap<>();
    private final TaskState state = new TaskState();
    private final long start = System.nanoTime();
    private Corpus corpus = Corpus.EMPTY;
    private FailedSamples failures = FailedSamples.NONE;
    private long bytes;

    /**
     * How samples are run.
     *
     * @param kind what the statistics keep
     * @param layers those that are observed and saved
     * @param chunkTokens the most tokens of a sequence that are fed at once
     * @param maxFailed how many samples may fail, in all tasks together
     * @param fedBack the scales by which the past is fake-quantized after each chunk; null for none
     * @param residualLength how many of the newest tokens stay in full precision then
     */
    public record Settings(
            SlotSchemes schemes,
            StatisticsKind kind,
            LayerFilter layers,
            int chunkTokens,
            long maxFailed,
            @Nullable FixedScales fedBack,
            int residualLength) {
        public Settings {
            if (chunkTokens < 1 || maxFailed < 0 || residualLength < 0) {
                throw new IllegalArgumentException("chunk_tokens " + chunkTokens + ", max_failed_samples " + maxFailed
                        + ", residual_length " + residualLength);
            }
        }
    }

    /**
     * Nothing run yet.
     *
     * @param sink gets every sample before it is observed; null to save none
     * @param progress told the tokens of each sample when the model is through with it
     * @throws InvalidDataException if the scales to feed back are not of this model
     */
    public TextTask(DecoderModel model, Settings settings, @Nullable CaptureSink sink, LongConsumer progress) {
        this(model.shape(), model::newRun, settings, sink, progress, MAX_NATIVE_BYTES);
    }

    /** Opens what a task runs. */
    interface Opening {
        Decoding open();
    }

    TextTask(
            ModelShape shape,
            Opening opening,
            Settings settings,
            @Nullable CaptureSink sink,
            LongConsumer progress,
            long maxBytes) {
        this.settings = settings;
        this.shape = shape;
        this.sink = sink;
        this.progress = progress;
        this.maxBytes = maxBytes;
        this.all = shape.slots();
        this.observedSlots = all.stream()
                .filter(slot -> settings.layers().includes(slot.layer()))
                .toList();
        FixedScales scales = settings.fedBack();
        if (scales != null) {
            scales.checkFit(shape);
        }
        this.cache = new QuantizedKvCache(settings.schemes(), settings.residualLength(), settings.kind(), scales);
        this.feedsBack = scales != null;
        this.copies = feedsBack ? 3 : 2;
        this.run = opening.open();
    }

    /**
     * Runs a batch: together where all of it is fed at once and nothing is fed back, else row by row. A sample that fails is
     * kept as a failure.
     *
     * @throws IOException if a sample cannot be saved
     */
    public void run(TokenBatch batch) throws IOException {
        List<TokenSequence> rows = batch.rows().stream().filter(this::isWanted).toList();
        try {
            if (rows.size() < 2 || !ranTogether(rows)) {
                for (TokenSequence row : rows) {
                    runAlone(row);
                }
            }
        } catch (NativeMemoryException e) {
            // Never left out as a failed sample, nor run in another shape: the result would depend on the machine.
            state.add(e.problem().inSample(Sample.named(rows.get(0).name())));
        }
    }

    /** After a problem, only samples that could show an earlier one are still run. */
    private boolean isWanted(TokenSequence row) {
        DataProblem problem = problem();
        Sample first = problem == null ? null : problem.sample();
        return first == null || Sample.named(row.name()).compareTo(first) <= 0;
    }

    private boolean ranTogether(List<TokenSequence> rows) throws IOException {
        int longest = rows.stream().mapToInt(row -> row.ids().length).max().orElse(0);
        if (feedsBack || longest > settings.chunkTokens() || nativeBytes(rows.size(), longest) > maxBytes) {
            return false;
        }
        try {
            run.begin(rows.size());
            run.feed(rows.stream().map(TokenSequence::ids).toArray(int[][]::new));
        } catch (NativeMemoryException e) {
            throw e;
        } catch (InvalidDataException e) {
            return false; // each row by itself will show whose fault it is
        }
        for (int i = 0; i < rows.size(); i++) {
            TokenSequence row = rows.get(i);
            take(new SampleTensors(row.name(), observedSlots, shape.geometry(), i, row.ids().length, run::present));
        }
        return true;
    }

    private void runAlone(TokenSequence row) throws IOException {
        SampleTensors sample;
        try {
            checkMemory(row);
            sample = feedsBack ? fedBack(row) : plain(row);
        } catch (NativeMemoryException e) {
            throw e;
        } catch (InvalidDataException e) {
            fail(row.name(), row.ids().length, e.problem());
            return;
        }
        take(sample);
    }

    private SampleTensors plain(TokenSequence row) {
        run.begin(1);
        for (int from = 0; from < row.ids().length; from += settings.chunkTokens()) {
            run.feed(chunk(row, from));
        }
        return new SampleTensors(row.name(), observedSlots, shape.geometry(), 0, row.ids().length, run::present);
    }

    /** What is observed of each chunk is as the model computed it, before it is quantized for the chunks after. */
    private SampleTensors fedBack(TokenSequence row) {
        int tokens = row.ids().length;
        long slotBytes = shape.bytesPerToken() / all.size() * tokens;
        Map<Slot, KvTensor> computed = new TreeMap<>();
        for (Slot slot : observedSlots) {
            NativeBuffer buffer = computedBuffers.computeIfAbsent(slot, of -> new NativeBuffer());
            computed.put(slot, new KvTensor(shape.geometry(), 1, tokens, buffer.take(slotBytes)));
        }
        run.begin(1);
        for (int from = 0; from < tokens; ) {
            run.feed(chunk(row, from));
            int to = run.tokens();
            int begin = from;
            computed.forEach((slot, values) ->
                    KvTokens.put(KvTokens.copy(run.present(slot), 0, begin, to), values.values(), tokens, 0, begin));
            if (to < tokens) {
                cache.fakeQuantize(run, all, from, (slot, values, quantized) -> {});
            }
            from = to;
        }
        return new SampleTensors(row.name(), observedSlots, shape.geometry(), 0, tokens, computed::get);
    }

    private int[][] chunk(TokenSequence row, int from) {
        int to = (int) Math.min(row.ids().length, (long) from + settings.chunkTokens());
        return new int[][] {Arrays.copyOfRange(row.ids(), from, to)};
    }

    private long nativeBytes(long rows, long longest) {
        return copies * rows * longest * shape.bytesPerToken();
    }

    private void checkMemory(TokenSequence row) {
        int tokens = row.ids().length;
        long needed = nativeBytes(1, tokens);
        if (needed > maxBytes) {
            throw new InvalidDataException(DataProblem.of(
                    "K and V of " + tokens + " tokens take " + needed + " bytes, " + copies + " times "
                            + shape.bytesPerToken() + " a token, and " + maxBytes + " is the most that a task takes",
                    "say max_seq_length: " + maxBytes / nativeBytes(1, 1) + ", or less, under kvscale in the recipe"));
        }
    }

    private void fail(String name, int tokens, DataProblem problem) {
        failures = failures.merge(new FailedSamples(1, problem.inSample(Sample.named(name))));
        progress.accept(tokens);
    }

    private void take(SampleTensors sample) throws IOException {
        if (sink != null) {
            try {
                sink.save(sample);
            } catch (InvalidDataException e) {
                fail(sample.name(), sample.tokens(), e.problem());
                return;
            }
        }
        try {
            sample.observe((slot, position, values) -> state.observe(cache, slot, position, values));
        } catch (InvalidDataException e) {
            state.add(e.problem().inSample(Sample.named(sample.name())));
            return;
        }
        for (Slot slot : observedSlots) {
            corpus = corpus.withTensor(
                    sample.name(),
                    SampleTensors.tensor(slot),
                    shape.geometry().dtype().name(),
                    sample.shape());
        }
        corpus = observedSlots.isEmpty() ? corpus : corpus.withFile();
        bytes += sample.bytes();
        progress.accept(sample.tokens());
    }

    private @Nullable DataProblem problem() {
        return Stream.of(state.found(), failures.count() > settings.maxFailed() ? failures.first() : null)
                .filter(problem -> problem != null)
                .min(DataProblem::compareTo)
                .orElse(null);
    }

    /**
     * What all batches gave. Holds a problem if more samples failed in this task than may fail in all tasks; the driver
     * checks the number over all tasks.
     */
    public TaskState state() {
        DataProblem problem = problem();
        if (problem != null) {
            state.add(problem);
        }
        return state.counting(corpus, Tally.read(bytes, System.nanoTime() - start, failures));
    }

    /** Releases the buffers of the run; the model stays open. */
    @Override
    public void close() {
        run.close();
        computedBuffers.values().forEach(NativeBuffer::close);
    }
}
