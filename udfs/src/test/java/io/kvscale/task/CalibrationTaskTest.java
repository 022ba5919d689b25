package io.kvscale.task;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.capture.CaptureReader;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.TableColumns;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.KeyPairs;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.safetensors.SafetensorsWriter;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.Observers;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.task.CaptureCorpus.Merged;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.RotaryPairs;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tasks over real files: the bytes of the statistics do not depend on how files are cut. */
class CalibrationTaskTest {
    private static final Path SAMPLES = Path.of("../conf/sample");

    /** The norms of the pair of the first two channels. */
    private static final StatisticsKind PAIRS =
            StatisticsKind.RANGE.with(KeyPairs.everywhere(new RotaryPairs(false, 2)));

    @TempDir
    Path folder;

    @ParameterizedTest
    @MethodSource("io.kvscale.scheme.Observers#all")
    void statisticsDoNotDependOnTheCuts(Observer observer) {
        CaptureCorpus corpus = mixed(Observers.all().indexOf(observer));
        QuantizationScheme scheme =
                new QuantizationScheme(NumberFormat.INT8, Strategy.ATTN_HEAD, 0, true, observer, ScaleDtype.FLOAT32);
        corpus.schemes = SlotSchemes.of(scheme, CaptureCorpus.SCHEME);
        corpus.kind = observer.needsPairs() ? PAIRS : StatisticsKind.RANGE;
        Merged whole = corpus.whole();
        assertThat(whole.problem()).isNull();
        assertThat(whole.statistics().slots()).hasSize(10);
        assertThat(whole.statistics().corpus().files()).isEqualTo(7);
        for (int i = 0; i < 40; i++) {
            assertSame(corpus.cut(corpus.randomCuts(30), 1 + i % 5, i % 2 == 0), whole);
        }
    }

    @Test
    void piecesOfOneByteAtTensorBordersChangeNothing() {
        CaptureCorpus corpus = mixed(9);
        Merged whole = corpus.whole();
        assertSame(
                corpus.cut(
                        file -> {
                            TreeSet<Long> cuts = new TreeSet<>();
                            for (long border : List.of(8L, file.length() / 2, file.length() - 64, file.length())) {
                                for (long at = Math.max(1, border - 9);
                                        at < Math.min(file.length(), border + 9);
                                        at++) {
                                    cuts.add(at);
                                }
                            }
                            return cuts;
                        },
                        3,
                        true),
                whole);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyByteOfAFileMayBeAPiece(boolean pairs) {
        CaptureCorpus corpus = new CaptureCorpus(folder, 5);
        corpus.kind = pairs ? PAIRS : StatisticsKind.RANGE;
        corpus.writeAtOddOffset(
                "s.safetensors", "layers.1.keys", "F32", List.of(1L, 2L, 3L, 2L), corpus.values("F32", 12));
        Merged whole = corpus.whole();
        assertSame(
                corpus.cut(
                        file -> java.util.stream.LongStream.range(1, file.length())
                                .boxed()
                                .toList(),
                        2,
                        true),
                whole);
    }

    @Test
    void realCapturesGiveTheSameBytesForAnyCuts() {
        CaptureCorpus corpus = new CaptureCorpus(SAMPLES, 6);
        corpus.kind = StatisticsKind.RANGE.with(KeyPairs.everywhere(new RotaryPairs(false, 64)));
        Merged whole = corpus.whole();
        assertThat(whole.statistics().slots()).hasSize(60);
        assertThat(slot(whole, new Slot(0, Role.KEY)).tokens()).isEqualTo(120);
        for (int i = 0; i < 4; i++) {
            assertSame(corpus.cut(corpus.randomCuts(20), 3, true), whole);
        }
        for (int count : new int[] {1, 2, 3, 7, 50}) {
            List<Split> splits = Split.plan(corpus.files(), count);
            assertSame(
                    corpus.merged(
                            splits.stream().map(s -> corpus.run(s.pieces())).toList()),
                    whole);
        }
    }

    @Test
    void valuesAcrossReadBlocksAreComplete() {
        CaptureCorpus unaligned = new CaptureCorpus(folder.resolve("odd"), 5);
        CaptureCorpus aligned = new CaptureCorpus(folder.resolve("even"), 5);
        byte[] values = unaligned.values("F32", 700_000);
        unaligned.writeAtOddOffset("s.safetensors", "layers.1.keys", "F32", List.of(1L, 2L, 70_000L, 5L), values);
        aligned.write(
                "s.safetensors",
                new SafetensorsWriter().add("layers.1.keys", "F32", List.of(1L, 2L, 70_000L, 5L), values));
        assertSame(unaligned.whole(), aligned.whole());
        assertSame(unaligned.cut(unaligned.randomCuts(20), 3, true), aligned.whole());
    }

    @Test
    void paddingIsLeftOutForEveryMaskDtype() {
        byte[] expected = null;
        for (String dtype : List.of("I64", "I32", "U8", "BOOL")) {
            CaptureCorpus corpus = new CaptureCorpus(folder.resolve(dtype), 7);
            corpus.write("b.safetensors", batch(corpus).add("attention_mask", dtype, List.of(2L, 3L), mask(dtype, 1)));
            Merged merged = corpus.whole();
            assertThat(merged.problem()).isNull();
            SlotStatistics keys = slot(merged, new Slot(0, Role.KEY));
            assertThat(keys.tokens()).isEqualTo(4);
            assertThat(keys.finite()).isEqualTo(16);
            assertThat(Objects.requireNonNull(keys.minSample()).row()).isNotEqualTo(Sample.WHOLE);
            byte[] bytes = merged.statistics().toByteArray();
            assertThat(expected == null ? bytes : expected).isEqualTo(bytes);
            expected = bytes;
            for (int i = 0; i < 5; i++) {
                assertSame(corpus.cut(corpus.randomCuts(12), 2, true), merged);
            }
        }
    }

    @Test
    void aRecipeMayNameAMaskOrTurnMasksOff() {
        CaptureCorpus corpus = new CaptureCorpus(folder, 8);
        corpus.write("b.safetensors", batch(corpus).add("pad", "U8", List.of(2L, 3L), mask("U8", 1)));
        assertThat(slot(corpus.whole(), new Slot(0, Role.KEY)).tokens()).isEqualTo(6);
        corpus.options = masked("pad");
        assertThat(slot(corpus.whole(), new Slot(0, Role.KEY)).tokens()).isEqualTo(4);
        corpus.options = masked("absent");
        assertThat(what(corpus)).contains("has no tensor 'absent', which the recipe sets as mask");
        corpus.write("b.safetensors", batch(corpus).add("attention_mask", "U8", List.of(2L, 3L), mask("U8", 1)));
        corpus.options = masked(CaptureOptions.NO_MASK);
        assertThat(slot(corpus.whole(), new Slot(0, Role.KEY)).tokens()).isEqualTo(6);
    }

    @Test
    void invalidMasksAreRefused() {
        CaptureCorpus corpus = new CaptureCorpus(folder, 8);
        corpus.write("b.safetensors", batch(corpus).add("attention_mask", "I32", List.of(2L, 3L), mask("I32", 2)));
        assertThat(what(corpus)).contains("the mask holds 2");
        corpus.write("b.safetensors", batch(corpus).add("attention_mask", "I64", List.of(2L, 3L), mask("I64", -1)));
        assertThat(what(corpus)).contains("the mask holds -1");
        corpus.write("b.safetensors", batch(corpus).add("attention_mask", "F32", List.of(2L, 3L), new byte[24]));
        assertThat(what(corpus)).contains("the mask has dtype F32");
        corpus.write("b.safetensors", batch(corpus).add("attention_mask", "U8", List.of(1L, 2L, 3L), new byte[6]));
        assertThat(what(corpus)).contains("the mask has shape [1, 2, 3]");
        corpus.write("b.safetensors", batch(corpus).add("attention_mask", "U8", List.of(3L, 2L), new byte[6]));
        assertThat(what(corpus)).contains("the mask has shape [3,2], this tensor has batch 2 and 3 tokens");
        corpus.write("b.safetensors", batch(corpus).add("attention_mask", "U8", List.of(0L, 3L), new byte[0]));
        assertThat(what(corpus)).contains("the mask has shape [0, 3]");
    }

    @Test
    void twoTensorsOfOneSlotInAFileAreRefused() {
        CaptureCorpus corpus = new CaptureCorpus(folder, 8);
        corpus.write("b.safetensors", corpus.tensor(batch(corpus), "key_cache.0", "BF16", 2L, 2L, 3L, 2L));
        assertThat(what(corpus)).contains("two tensors of this file hold layer 0 key");
        assertThat(Objects.requireNonNull(corpus.whole().problem()).slot()).isEqualTo(new Slot(0, Role.KEY));
    }

    @Test
    void theFilesOfAConnectorsRequestAreOneSample() {
        CaptureCorpus corpus = new CaptureCorpus(folder, 8);
        corpus.options = heads(2);
        for (int layer = 0; layer < 2; layer++) {
            corpus.write(
                    "0a1b/model.layers." + layer + ".self_attn.attn.safetensors",
                    corpus.tensor(new SafetensorsWriter(), "kv_cache", "BF16", 2L, 5L, 8L));
        }
        Merged merged = corpus.whole();
        assertThat(merged.statistics().slots()).hasSize(4);
        assertThat(slot(merged, new Slot(1, Role.VALUE)).minSample()).isEqualTo(new Sample("0a1b", Sample.WHOLE));
        assertThat(slot(merged, new Slot(1, Role.VALUE)).finite()).isEqualTo(40);
    }

    @Test
    void headersGiveTokensAndGeometriesWithoutValues() {
        CaptureCorpus corpus = mixed(3);
        List<FilePiece> pieces = corpus.files().stream()
                .map(f -> new FilePiece(f, 0, f.length()))
                .toList();
        TaskState headers = CalibrationTask.run(
                new Split(new ArrayList<>(pieces)),
                corpus.schemes,
                StatisticsKind.RANGE,
                corpus.options,
                corpus.configuration,
                CaptureReader.Depth.HEADERS,
                bytes -> {
                    throw new AssertionError("values were read");
                },
                failure -> {});
        Merged whole = corpus.whole();
        assertThat(headers.geometries().values()).containsExactlyElementsOf(whole.geometries());
        assertThat(headers.statistics().corpus()).isEqualTo(whole.statistics().corpus());
        headers.statistics().slots().forEach((slot, seen) -> {
            assertThat(seen.tokens()).isEqualTo(slot(whole, slot).tokens());
            assertThat(seen.isEmpty()).isTrue();
        });
    }

    @Test
    void progressReceivesEveryByteOfKAndVOnce() {
        CaptureCorpus corpus = new CaptureCorpus(SAMPLES, 1);
        long[] reported = {0};
        for (Split split : Split.plan(corpus.files(), 5)) {
            CalibrationTask.run(
                    split,
                    corpus.schemes,
                    StatisticsKind.RANGE,
                    corpus.options,
                    corpus.configuration,
                    CaptureReader.Depth.VALUES,
                    bytes -> reported[0] += bytes,
                    failure -> {});
        }
        assertThat(reported[0]).isEqualTo(2 * 2L * 30 * 60 * 192 * 2);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4, 8, 100, 300, 1_000, 1_300_000})
    void aFileThatShrankAfterListingIsRefused(int length) throws IOException {
        CaptureCorpus corpus = new CaptureCorpus(folder, 8);
        byte[] sample = Files.readAllBytes(SAMPLES.resolve("sample-003.safetensors"));
        corpus.write("s.safetensors", sample);
        List<InputFile> listed = corpus.files();
        corpus.write("s.safetensors", java.util.Arrays.copyOf(sample, length));
        for (int tasks : new int[] {1, 4}) {
            List<TaskState> outcomes = Split.plan(listed, tasks).stream()
                    .map(split -> corpus.run(split.pieces()))
                    .toList();
            assertThat(Objects.requireNonNull(corpus.merged(outcomes).problem()).message())
                    .contains("file s.safetensors")
                    .contains("1387720 bytes")
                    .contains("sample s");
        }
    }

    @Test
    void aDeletedFileIsRefused() throws IOException {
        CaptureCorpus corpus = mixed(4);
        List<InputFile> listed = corpus.files();
        Files.delete(folder.resolve("c.safetensors"));
        Merged merged = corpus.merged(List.of(corpus.run(
                listed.stream().map(f -> new FilePiece(f, 0, f.length())).toList())));
        assertThat(Objects.requireNonNull(merged.problem()).message())
                .contains("file c.safetensors")
                .contains("cannot be read");
    }

    @Test
    void hadoopStreamsAndLocalFilesGiveTheSame() throws IOException {
        CaptureCorpus corpus = mixed(11);
        Merged local = corpus.whole();
        Configuration raw = new Configuration();
        raw.set("fs.file.impl", RawLocalFileSystem.class.getName());
        raw.setBoolean("fs.file.impl.disable.cache", true);
        assertThat(FileSystem.get(java.net.URI.create("file:///"), raw)).isInstanceOf(RawLocalFileSystem.class);
        corpus.configuration = raw;
        assertSame(corpus.whole(), local);
        assertSame(corpus.cut(corpus.randomCuts(10), 3, true), local);
    }

    private static void assertSame(Merged actual, Merged expected) {
        assertThat(actual.problem()).isNull();
        assertThat(actual.statistics().toByteArray())
                .isEqualTo(expected.statistics().toByteArray());
        assertThat(actual.geometries()).isEqualTo(expected.geometries());
    }

    private static SlotStatistics slot(Merged merged, Slot slot) {
        return Objects.requireNonNull(merged.statistics().slots().get(slot));
    }

    private static String what(CaptureCorpus corpus) {
        return Objects.requireNonNull(corpus.whole().problem()).message();
    }

    private static CaptureOptions heads(int heads) {
        return new CaptureOptions(null, null, null, heads, 0, null, List.of(), List.of(), false, TableColumns.DEFAULT);
    }

    private static CaptureOptions masked(@Nullable String mask) {
        return new CaptureOptions(null, null, null, 0, 0, mask, List.of(), List.of(), false, TableColumns.DEFAULT);
    }

    private static SafetensorsWriter batch(CaptureCorpus corpus) {
        SafetensorsWriter writer = new SafetensorsWriter();
        corpus.tensor(writer, "layers.0.keys", "BF16", 2L, 2L, 3L, 2L);
        return corpus.tensor(writer, "layers.0.values", "BF16", 2L, 2L, 3L, 2L);
    }

    /** [[0, real, real], [0, real, real]]. */
    private static byte[] mask(String dtype, long real) {
        int bytes = dtype.equals("I64") ? 8 : dtype.equals("I32") ? 4 : 1;
        ByteBuffer mask = ByteBuffer.allocate(6 * bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 6; i++) {
            long mark = i % 3 == 0 ? 0 : real;
            for (int b = 0; b < bytes; b++) {
                mask.put((byte) (mark >>> (8 * b)));
            }
        }
        return mask.array();
    }

    /** All layouts, dtypes and alignments, with and without mask; two samples of most slots, 2 heads of 4. */
    private CaptureCorpus mixed(long seed) {
        CaptureCorpus corpus = new CaptureCorpus(folder, seed);
        corpus.options = heads(2);
        for (String name : List.of("a", "b/b")) {
            SafetensorsWriter writer = new SafetensorsWriter().metadata("model", "none");
            for (int layer = 0; layer < 2; layer++) {
                corpus.tensor(writer, "layers." + layer + ".keys", "BF16", 2L, 2L, 3L, 4L);
                corpus.tensor(writer, "noise." + layer, "F32", 7L);
                corpus.tensor(writer, "layers." + layer + ".values", "BF16", 2L, 2L, 3L, 4L);
            }
            writer.add("attention_mask", "U8", List.of(2L, 3L), mask("U8", 1));
            corpus.write(name + ".safetensors", writer);
        }
        for (int request = 0; request < 2; request++) {
            corpus.write(
                    "c" + request + "/model.layers.2.self_attn.attn.safetensors",
                    corpus.tensor(new SafetensorsWriter(), "kv_cache", "BF16", 2L, 5L, 8L));
        }
        corpus.writeAtOddOffset(
                "c.safetensors", "layers.3.keys", "F32", List.of(1L, 2L, 9L, 4L), corpus.values("F32", 72));
        corpus.writeAtOddOffset("d.safetensors", "layers.3.values", "F32", List.of(9L, 8L), corpus.values("F32", 72));
        SafetensorsWriter half =
                corpus.tensor(new SafetensorsWriter(), "model.layers.4.self_attn.k", "F16", 9L, 2L, 4L);
        corpus.write("e.safetensors", corpus.tensor(half, "model.layers.4.self_attn.v", "F16", 9L, 8L));
        return corpus;
    }
}
