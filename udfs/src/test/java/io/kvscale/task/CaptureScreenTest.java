package io.kvscale.task;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.numeric.Dtype;
import io.kvscale.safetensors.SafetensorsWriter;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.TokenMask;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a screen finds does not depend on where the files are cut. */
class CaptureScreenTest {
    private static final int TOKENS = 24;

    @TempDir
    private Path folder;

    /** Tokens {@code [from, to)} of V of layer 0 are equal, or those of all tensors zero. */
    private static SafetensorsWriter capture(CaptureCorpus corpus, boolean zero, int from, int to) {
        SafetensorsWriter writer = new SafetensorsWriter();
        for (String name : List.of("layers.0.keys", "layers.0.values", "layers.1.keys", "layers.1.values")) {
            byte[] values = corpus.values("BF16", 2 * TOKENS * 16);
            int line = 2 * 16;
            for (int head = 0; head < 2; head++) {
                for (int token = from; token < to; token++) {
                    int at = (head * TOKENS + token) * line;
                    if (zero) {
                        Arrays.fill(values, at, at + line, (byte) 0);
                    } else if (name.equals("layers.0.values")) {
                        System.arraycopy(values, (head * TOKENS + from) * line, values, at, line);
                    }
                }
            }
            writer.add(name, "BF16", List.of(1L, 2L, (long) TOKENS, 16L), values);
        }
        return writer;
    }

    /** The merged state of pieces that are cut at random, or of whole files. */
    private static TaskState read(CaptureCorpus corpus, boolean cut) {
        List<TaskState> states = new ArrayList<>();
        for (InputFile file : corpus.files()) {
            long step = cut ? 1 + corpus.random.nextInt(200) : file.length();
            for (long start = 0; start < file.length(); start += step) {
                states.add(corpus.run(List.of(new FilePiece(file, start, Math.min(file.length(), start + step)))));
            }
        }
        Collections.shuffle(states, corpus.random);
        TaskState all = new TaskState();
        states.forEach(state -> all.merge(TaskState.fromByteArray(state.toByteArray())));
        return all;
    }

    private Suspicion suspicion(boolean zero, int from, int to, boolean cut) {
        CaptureCorpus corpus = new CaptureCorpus(folder.resolve(zero + "-" + from + "-" + to), 7);
        corpus.write("a.safetensors", capture(corpus, false, 0, 1));
        corpus.write("b.safetensors", capture(corpus, zero, from, to));
        return read(corpus, cut).suspicion();
    }

    @Test
    void paddingIsSuspectedAtBothEnds() {
        for (boolean zero : new boolean[] {true, false}) {
            Suspicion expected = zero ? new Suspicion(true, true) : new Suspicion(false, true);
            for (boolean cut : new boolean[] {false, true, true}) {
                assertThat(suspicion(zero, 0, 8, cut).merge(expected)).isEqualTo(suspicion(zero, 0, 8, cut));
                assertThat(suspicion(zero, 16, 24, cut).merge(expected)).isEqualTo(suspicion(zero, 16, 24, cut));
            }
            assertThat(suspicion(zero, 0, 8, false)).isEqualTo(expected);
            assertThat(suspicion(zero, 4, 20, false)).isEqualTo(Suspicion.NONE);
        }
        assertThat(suspicion(false, 0, 7, false)).isEqualTo(Suspicion.NONE);
        assertThat(suspicion(false, 17, 24, false)).isEqualTo(Suspicion.NONE);
    }

    @Test
    void copiesAreFoundWhereverFilesAreCut() {
        CaptureCorpus corpus = new CaptureCorpus(folder, 3);
        for (int i = 0; i < 5; i++) {
            corpus.write("s" + i + ".safetensors", capture(corpus, false, 0, 1));
        }
        assertThat(read(corpus, true).copies().found()).isNull();
        CaptureCorpus twin = new CaptureCorpus(folder, 3);
        twin.write("t0.safetensors", capture(twin, false, 0, 1));
        twin.write("t1.safetensors", capture(twin, false, 0, 1));
        Copies whole = read(corpus, false).copies();
        Copies.Found found = Objects.requireNonNull(whole.found());
        assertThat(found.samples()).isEqualTo(2);
        assertThat(found.first().file()).isEqualTo("s0.safetensors");
        assertThat(found.copy().file()).isEqualTo("t0.safetensors");
        for (int round = 0; round < 5; round++) {
            assertThat(read(corpus, true).copies()).isEqualTo(whole);
        }
    }

    @Test
    void shortSamplesWithTheSameTokensAreNoCopies() {
        for (int tokens : new int[] {1, 7, 8}) {
            CaptureCorpus corpus = new CaptureCorpus(folder.resolve("short" + tokens), 3);
            byte[] values = corpus.values("BF16", tokens * 32);
            for (String name : List.of("a", "b")) {
                corpus.write(
                        name + ".safetensors",
                        new SafetensorsWriter()
                                .add("layers.0.keys", "BF16", List.of(1L, 2L, (long) tokens, 16L), values)
                                .add("layers.0.values", "BF16", List.of(1L, 2L, (long) tokens, 16L), values));
            }
            assertThat(read(corpus, false).copies().found() != null).isEqualTo(tokens == 8);
            assertThat(read(corpus, true).copies())
                    .isEqualTo(read(corpus, false).copies());
        }
    }

    @Test
    void manySamplesTakeBoundedMemory() {
        Copies one = new Copies();
        Copies two = new Copies();
        Copies all = new Copies();
        for (int i = 0; i < 3 * SmallestHashes.KEPT; i++) {
            Origin origin = new Origin(null, "f" + i);
            long content = i % (2 * SmallestHashes.KEPT);
            (i % 2 == 0 ? one : two).add(origin, 0, 4, 4, content);
            all.add(origin, 0, 4, 4, content);
        }
        one.merge(two);
        assertThat(one).isEqualTo(all);
        assertThat(Objects.requireNonNull(all.found()).samples())
                .isBetween(SmallestHashes.KEPT / 3L, (long) SmallestHashes.KEPT);
    }

    @Test
    void theEndsOfEachRowAreThoseOfAllHeads() {
        int[] tokens = {0, 0, 3, 4, 4, 5, 5, 5};
        ByteBuffer values = ByteBuffer.allocate(2 * 2 * 8 * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (int head = 0; head < 2; head++) {
            for (int token : tokens) {
                // Head 1 differs in the last token but one.
                boolean odd = head == 1 && values.position() / 8 == 8 + 6;
                values.putFloat(odd ? 9 : token).putFloat(-0f);
            }
        }
        assertThat(ends(values, null)).isEqualTo(new TokenEnds(2, 0, 2, 1));
        BitSet real = new BitSet();
        real.set(1, 6);
        assertThat(ends(values, new TokenMask(1, 8, real))).isEqualTo(new TokenEnds(1, 0, 1, 1));
    }

    /** Of long samples only the ends are read. */
    @Test
    void longRunsAreCountedUpToTheTokensThatAreRead() {
        int tokens = 1000;
        for (boolean tokenMajor : new boolean[] {false, true}) {
            var geometry = new Geometry(Dtype.F32, 2, 3);
            EndScan scan = new EndScan(new KvSource("f", 0, "s", geometry, 2, tokens, tokenMajor, null));
            int[] read = {0};
            scan.read((first, end) -> {
                ByteBuffer values = ByteBuffer.allocate((int) (end - first) * 4).order(ByteOrder.LITTLE_ENDIAN);
                for (long i = first; i < end; i++) {
                    long token = tokenMajor ? i / 6 % tokens : i / 3 % tokens;
                    boolean second = i >= 6L * tokens;
                    values.putFloat(token < (second ? 900 : 5) ? 0 : token > 700 && !second ? 1 : token);
                }
                read[0] += values.capacity() / 4;
                scan.add(values.flip());
            });
            assertThat(read[0]).isEqualTo(2 * 6 * 2 * TokenEnds.READ);
            assertThat(scan.ends(0)).isEqualTo(new TokenEnds(5, 0, 5, TokenEnds.READ));
            assertThat(scan.ends(1)).isEqualTo(new TokenEnds(TokenEnds.READ, 0, TokenEnds.READ, 1));
        }
    }

    private static TokenEnds ends(ByteBuffer values, @Nullable TokenMask mask) {
        var geometry = new Geometry(Dtype.F32, 2, 2);
        EndScan scan = new EndScan(new KvSource("f", 0, "s", geometry, 1, 8, false, mask));
        scan.read((first, end) -> {
            for (int from = (int) first * 4; from < end * 4; from += 13) {
                scan.add(values.slice(from, Math.min(13, (int) end * 4 - from)));
            }
        });
        return scan.ends(0);
    }
}
