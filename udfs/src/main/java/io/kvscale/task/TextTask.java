package io.kvscale.task;

import io.kvscale.cache.FixedScales;
import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.capture.layout.LayerFilter;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.Decoding;
import io.kvscale.model.NativeBuffer;
import io.kvscale.model.NativeLimitException;
import io.kvscale.model.onnx.CacheTensors;
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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs a decoder over token ids and observes K and V of the tokens, without padding. The statistics equal those that {@link
 * CalibrationTask} computes from the captures that {@link CaptureWriter} saves.
 *
 * <p>A sample is observed after the model has run through all of it. If a batch fails, its rows run again one by one, to
 * find the sample that fails. Not thread-safe.
 */
public final class TextTask implements AutoCloseable {
    /**
     * Maximum off-heap bytes for K and V of a batch: the model's inputs and outputs, and with feedback the computed values. A
     * constant, so that the samples that are refused do not depend on the machine.
     */
    public static final long MAX_NATIVE_BYTES = 4L << 30;

    private final Settings settings;
    private final ModelShape shape;
    private final Decoding run;
    private final @Nullable CaptureSink sink;
    private final LongConsumer progress;
    private final long maxBytes;
    private final List<Slot> slots;
    private final List<Slot> observedSlots;
    private final QuantizedKvCache cache;
    private final boolean feedsBack;
    /** The number of copies of a sample's K and V in memory. */
    private final int copies;

    private final Map<Slot, NativeBuffer> computedBuffers = new TreeMap<>();
    private final TaskState state;
    /** What is kept of each stratum; empty if samples name none. */
    private final Map<String, StratumObservation> strata = new TreeMap<>();

    private final long start = System.nanoTime();
    private Corpus corpus = Corpus.EMPTY;
    private FailedSamples failures = FailedSamples.NONE;
    private long bytes;
    private long forward;

    /**
     * How samples are run.
     *
     * @param layers the layers that are observed and saved
     * @param chunkTokens the largest number of tokens fed at once
     * @param maxFailed how many samples may fail, over all tasks
     * @param fedBack the scales that fake-quantize the past after each chunk; null for no feedback
     * @param residualLength with feedback, the number of newest tokens that stay in full precision
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
     * @param sink receives every sample before it is observed; null to save none
     * @param progress receives the tokens of each sample that was run
     * @throws InvalidDataException if the scales to feed back do not fit the model
     */
    public TextTask(DecoderModel model, Settings settings, @Nullable CaptureSink sink, LongConsumer progress) {
        this(model.shape(), model::newRun, settings, sink, progress, MAX_NATIVE_BYTES);
    }

    TextTask(
            ModelShape shape,
            Supplier<Decoding> opening,
            Settings settings,
            @Nullable CaptureSink sink,
            LongConsumer progress,
            long maxBytes) {
        this.settings = settings;
        this.shape = shape;
        this.sink = sink;
        this.progress = progress;
        this.maxBytes = maxBytes;
        this.slots = shape.slots();
        this.observedSlots = slots.stream()
                .filter(slot -> settings.layers().includes(slot.layer()))
                .toList();
        FixedScales scales = settings.fedBack();
        if (scales != null) {
            scales.checkFit(shape);
        }
        this.cache = new QuantizedKvCache(settings.schemes(), settings.residualLength(), settings.kind(), scales);
        this.state = new TaskState(settings.kind());
        this.feedsBack = scales != null;
        this.copies = feedsBack ? 3 : 2;
        this.run = opening.get();
    }

    /**
     * Runs a batch: all rows together if they fit into one chunk and nothing is fed back, else row by row. Failed samples are
     * counted.
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
        } catch (NativeLimitException e) {
            // Not counted as a failed sample nor retried row by row: the result would depend on the machine.
            state.add(e.problem().inSample(Sample.named(rows.get(0).name())));
        }
    }

    /** After a problem, only samples that could show an earlier problem are run. */
    private boolean isWanted(TokenSequence row) {
        DataProblem problem = state.found();
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
            feed(rows.stream().map(TokenSequence::ids).toArray(int[][]::new));
        } catch (NativeLimitException e) {
            throw e;
        } catch (InvalidDataException e) {
            return false; // running the rows one by one finds the sample that fails
        }
        for (int i = 0; i < rows.size(); i++) {
            TokenSequence row = rows.get(i);
            saveAndObserve(
                    new SampleTensors(row.name(), observedSlots, shape.geometry(), i, row.ids().length, run::present),
                    row.stratum());
        }
        return true;
    }

    private void runAlone(TokenSequence row) throws IOException {
        SampleTensors sample;
        try {
            checkMemory(row);
            sample = feedsBack ? fedBack(row) : plain(row);
        } catch (NativeLimitException e) {
            throw e;
        } catch (InvalidDataException e) {
            fail(row.name(), row.ids().length, e.problem());
            return;
        }
        saveAndObserve(sample, row.stratum());
    }

    private SampleTensors plain(TokenSequence row) {
        run.begin(1);
        for (int from = 0; from < row.ids().length; from += settings.chunkTokens()) {
            feed(chunk(row, from));
        }
        return new SampleTensors(row.name(), observedSlots, shape.geometry(), 0, row.ids().length, run::present);
    }

    /** Runs a sample with feedback: each chunk is kept as computed, then fake-quantized for the chunks after it. */
    private SampleTensors fedBack(TokenSequence row) {
        int tokens = row.ids().length;
        long slotBytes = shape.bytesPerToken() / slots.size() * tokens;
        Map<Slot, KvTensor> computed = new TreeMap<>();
        for (Slot slot : observedSlots) {
            NativeBuffer buffer = computedBuffers.computeIfAbsent(slot, of -> new NativeBuffer());
            computed.put(slot, new KvTensor(shape.geometry(), 1, tokens, buffer.take(slotBytes)));
        }
        run.begin(1);
        for (int from = 0; from < tokens; ) {
            feed(chunk(row, from));
            int to = run.tokens();
            int begin = from;
            computed.forEach((slot, values) ->
                    KvTokens.put(KvTokens.copy(run.present(slot), 0, begin, to), values.values(), tokens, 0, begin));
            if (to < tokens) {
                cache.fakeQuantize(run, slots, from, (slot, values, quantized) -> {});
            }
            from = to;
        }
        return new SampleTensors(row.name(), observedSlots, shape.geometry(), 0, tokens, computed::get);
    }

    private void feed(int[][] ids) {
        long begin = System.nanoTime();
        try {
            run.feed(ids);
        } finally {
            forward += System.nanoTime() - begin;
        }
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
            throw new InvalidDataException(
                    "K and V of " + tokens + " tokens take " + needed + " bytes (" + copies + " x "
                            + shape.bytesPerToken() + " per token), more than the limit of " + maxBytes + " per task",
                    "set max_seq_length: " + maxBytes / nativeBytes(1, 1) + " or less under kvscale in the recipe");
        }
    }

    private void fail(String name, int tokens, DataProblem problem) {
        failures = failures.merge(new FailedSamples(1, problem.inSample(Sample.named(name))));
        if (failures.count() > settings.maxFailed() && failures.first() != null) {
            state.add(failures.first());
        }
        progress.accept(tokens);
    }

    private void saveAndObserve(SampleTensors sample, String stratum) throws IOException {
        if (sink != null) {
            try {
                sink.save(sample);
            } catch (InvalidDataException e) {
                fail(sample.name(), sample.tokens(), e.problem());
                return;
            }
        }
        StratumObservation apart = stratum.isEmpty()
                ? null
                : strata.computeIfAbsent(stratum, name -> new StratumObservation(cache.another()));
        try {
            if (apart == null) {
                sample.observe((slot, position, values) -> state.observe(cache, null, slot, position, values));
            } else {
                apart.observe(sample);
            }
        } catch (InvalidDataException e) {
            state.add(e.problem().inSample(Sample.named(sample.name())));
            return;
        }
        Corpus read = Corpus.EMPTY;
        for (Slot slot : observedSlots) {
            read = read.withTensor(
                    sample.name(),
                    CacheTensors.present(slot),
                    shape.geometry().dtype().name(),
                    sample.shape());
        }
        read = observedSlots.isEmpty() ? read : read.withFile();
        if (apart == null) {
            corpus = corpus.merge(read);
        } else {
            apart.count(read);
        }
        bytes += sample.bytes();
        progress.accept(sample.tokens());
    }

    /** The state of all batches. It has a problem if this task alone had more failed samples than the job allows. */
    public TaskState state() {
        strata.forEach((stratum, observed) -> state.add(stratum, observed.statistics()));
        strata.clear();
        return state.counting(
                corpus, Tally.read(bytes, System.nanoTime() - start, failures).plus(new PhaseNanos(0, forward, 0)));
    }

    /** Releases buffers; the model stays open. */
    @Override
    public void close() {
        run.close();
        computedBuffers.values().forEach(NativeBuffer::close);
    }
}
