package io.kvscale.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.model.onnx.ModelShape;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DecoderRunTest {
    private static DecoderModel model;
    private static ModelShape shape;
    private DecoderRun run;

    @BeforeAll
    static void open() {
        model = TinyModel.open(Outputs.CACHE);
        shape = model.shape();
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @BeforeEach
    void begin() {
        run = model.newRun();
    }

    @AfterEach
    void end() {
        run.close();
    }

    @Test
    void aPaddedBatchGivesTheBitsOfItsRowsAlone() {
        int[][] batch = TinyModel.texts(2).toArray(new int[0][]);
        assertThat(batch.length).isGreaterThan(3);
        List<Map<Slot, ByteBuffer>> alone = new ArrayList<>();
        for (int[] ids : batch) {
            alone.add(TinyModel.alone(run, shape, ids));
        }
        run.begin(batch.length);
        run.feed(batch);
        assertThat(run.tokens())
                .isEqualTo(
                        Arrays.stream(batch).mapToInt(ids -> ids.length).max().orElseThrow());
        for (int row = 0; row < batch.length; row++) {
            assertThat(TinyModel.bits(run, shape, row, batch[row].length)).isEqualTo(alone.get(row));
        }
    }

    @Test
    void chunksGiveTheBitsOfOnePrefill() {
        int[] ids = longest();
        Map<Slot, ByteBuffer> whole = TinyModel.alone(run, shape, ids);
        for (int chunk : new int[] {16, 17, 64, 300}) {
            run.begin(1);
            // The last chunk takes what is left below 16, for which other kernels are chosen.
            for (int from = 0; from < ids.length; ) {
                int to = ids.length - from < chunk + 16 ? ids.length : from + chunk;
                run.feed(new int[][] {Arrays.copyOfRange(ids, from, to)});
                from = to;
            }
            assertThat(TinyModel.bits(run, shape, 0, ids.length)).isEqualTo(whole);
        }
    }

    @Test
    void rowsOfOneLengthAreFedInChunksTogether() {
        int[] ids = longest();
        int[][] batch = {Arrays.copyOfRange(ids, 0, 64), Arrays.copyOfRange(ids, 100, 164)};
        Map<Slot, ByteBuffer> first = TinyModel.alone(run, shape, batch[0]);
        Map<Slot, ByteBuffer> second = TinyModel.alone(run, shape, batch[1]);
        run.begin(2);
        run.feed(new int[][] {Arrays.copyOf(batch[0], 32), Arrays.copyOf(batch[1], 32)});
        run.feed(new int[][] {Arrays.copyOfRange(batch[0], 32, 64), Arrays.copyOfRange(batch[1], 32, 64)});
        assertThat(TinyModel.bits(run, shape, 0, 64)).isEqualTo(first);
        assertThat(TinyModel.bits(run, shape, 1, 64)).isEqualTo(second);
    }

    @Test
    void threadsAtOnceGiveTheBitsOfOne() throws Exception {
        List<int[]> texts = TinyModel.texts(2);
        List<Map<Slot, ByteBuffer>> expected = new ArrayList<>();
        texts.forEach(ids -> expected.add(TinyModel.alone(run, shape, ids)));
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            List<Future<?>> done = new ArrayList<>();
            for (int thread = 0; thread < 2; thread++) {
                done.add(threads.submit(() -> {
                    try (DecoderRun mine = model.newRun()) {
                        for (int i = 0; i < 4 * texts.size(); i++) {
                            int text = i % texts.size();
                            assertThat(TinyModel.alone(mine, shape, texts.get(text)))
                                    .isEqualTo(expected.get(text));
                        }
                    }
                }));
            }
            for (Future<?> task : done) {
                task.get();
            }
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void theGraphWithoutLogitsGivesTheSameCache() {
        int[] ids = longest();
        Map<Slot, ByteBuffer> cut = TinyModel.alone(run, shape, ids);
        assertThatThrownBy(run::logits).isInstanceOf(IllegalStateException.class);
        try (DecoderModel full = TinyModel.open(Outputs.CACHE_AND_LOGITS);
                DecoderRun other = full.newRun()) {
            assertThat(TinyModel.alone(other, shape, ids)).isEqualTo(cut);
            FloatBuffer logits = other.logits();
            assertThat(logits.remaining()).isEqualTo(ids.length * shape.vocabulary());
            int different = 0;
            for (int i = 0; i < logits.remaining(); i++) {
                assertThat(logits.get(i)).isFinite();
                different += logits.get(i) != logits.get(0) ? 1 : 0;
            }
            assertThat(different).isGreaterThan(logits.remaining() / 2);
        }
    }

    @Test
    void aReplacedPastIsWhatLaterChunksAttendTo() {
        int[] ids = Arrays.copyOf(longest(), 64);
        Map<Slot, ByteBuffer> whole = TinyModel.alone(run, shape, ids);
        feedHalves(ids, 0);
        assertThat(TinyModel.bits(run, shape, 0, 64)).as("the same bits put in").isEqualTo(whole);
        feedHalves(ids, 0.25f);
        Slot deep = new Slot(shape.layers() - 1, Role.VALUE);
        assertThat(tail(TinyModel.bits(run, shape, 0, 64).get(deep)))
                .as("of the second chunk")
                .isNotEqualTo(tail(whole.get(deep)));
        // The first chunk's own values, as put in, come back as the past of the present.
        KvTensor present = run.present(new Slot(0, Role.KEY));
        for (int i = 0; i < 32 * shape.headDim(); i++) {
            assertThat(present.value(i) / 0.25f).isEqualTo(Math.round(present.value(i) / 0.25f));
        }
    }

    private void feedHalves(int[] ids, float step) {
        run.begin(1);
        run.feed(new int[][] {Arrays.copyOf(ids, 32)});
        for (Slot slot : TinyModel.slots(shape)) {
            KvTensor present = run.present(slot);
            run.put(slot, 0, 0, step == 0 ? TinyModel.copied(present) : TinyModel.rounded(present, step));
        }
        run.feed(new int[][] {Arrays.copyOfRange(ids, 32, 64)});
    }

    /** The last token of the last head. */
    private static ByteBuffer tail(ByteBuffer bits) {
        return bits.slice(bits.remaining() - shape.headDim() * 4, shape.headDim() * 4);
    }

    @Test
    void idsOutsideOfTheVocabularyAreNamed() {
        for (int id : new int[] {-1, Integer.MIN_VALUE, shape.vocabulary(), Integer.MAX_VALUE}) {
            run.begin(1);
            assertThatThrownBy(() -> run.feed(new int[][] {{1, id}}))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContaining("token id " + id + " is not within 0..511")
                    .hasMessageContaining("tokenizer");
        }
    }

    @Test
    void aSequenceBeyondTheModelsLimitIsRefused() {
        run.begin(1);
        run.feed(new int[][] {new int[shape.maxPositions()]});
        assertThatThrownBy(() -> run.feed(new int[][] {{1}}))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("a sequence has " + (shape.maxPositions() + 1) + " tokens")
                .hasMessageContaining("max_seq_length");
    }

    @Test
    void paddingIsForTheOneFeedOfABatch() {
        run.begin(2);
        run.feed(new int[][] {{1, 2}, {3}});
        assertThatThrownBy(() -> run.feed(new int[][] {{1}, {3}})).isInstanceOf(IllegalArgumentException.class);
        run.begin(2);
        run.feed(new int[][] {{1}, {3}});
        assertThatThrownBy(() -> run.feed(new int[][] {{1, 2}, {3}})).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> run.feed(new int[][] {{1}})).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> run.feed(new int[][] {{}, {}})).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void nothingIsReadBeforeAFeedOrAfterClose() {
        Slot slot = new Slot(0, Role.KEY);
        assertThatThrownBy(() -> run.present(slot)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> run.feed(new int[][] {{1}})).isInstanceOf(IllegalStateException.class);
        run.begin(1);
        assertThatThrownBy(() -> run.present(slot)).isInstanceOf(IllegalStateException.class);
        run.feed(new int[][] {{1}});
        assertThat(run.present(slot).tokens()).isEqualTo(1);
        assertThatThrownBy(() -> run.present(new Slot(3, Role.KEY))).isInstanceOf(IllegalArgumentException.class);
        run.close();
        assertThatThrownBy(() -> run.present(slot)).isInstanceOf(IllegalStateException.class);
    }

    private static int[] longest() {
        return TinyModel.texts(300).get(0);
    }
}
