package io.kvscale.job.corpus.read;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reads the lines of files that are split at arbitrary positions. */
class LineReaderTest {
    private static final int LONGEST = 20;

    /** Shared, because reading Hadoop's defaults takes longer than all tests of this class. */
    private static final Configuration HADOOP = new Configuration();

    @TempDir
    Path folder;

    private FSDataInputStream open(Path file) throws IOException {
        return FileSystem.getLocal(HADOOP).open(new org.apache.hadoop.fs.Path(file.toString()));
    }

    /** Number and text of the lines of all pieces. */
    private List<String> cut(Path file, long... cuts) throws IOException {
        long length = Files.size(file);
        List<String> lines = new ArrayList<>();
        long before = 0;
        for (int i = 0; i + 1 < cuts.length; i++) {
            try (FSDataInputStream in = open(file)) {
                LineReader piece = new LineReader(in, length, cuts[i], cuts[i + 1], before, LONGEST);
                for (byte[] line = piece.read(); line != null; line = piece.read()) {
                    lines.add(piece.number()
                            + (piece.isTooLong() ? "+" : "=")
                            + new String(line, StandardCharsets.UTF_8));
                }
                before += LineReader.count(in, length, cuts[i], cuts[i + 1]);
            }
        }
        return lines;
    }

    @Test
    void aLineKeepsAllBytesExceptItsEnd() throws IOException {
        byte[] all = new byte[256];
        for (int i = 0; i < all.length; i++) {
            all[i] = (byte) i;
        }
        Path file = Files.write(folder.resolve("bytes"), all);
        try (FSDataInputStream in = open(file)) {
            LineReader lines = new LineReader(in, all.length, 0, all.length, 0, 1000);
            assertThat(lines.read()).containsExactly(Arrays.copyOf(all, '\n'));
            assertThat(lines.read()).containsExactly(Arrays.copyOfRange(all, '\n' + 1, all.length));
            assertThat(lines.read()).isNull();
        }
    }

    @Test
    void theLinesDoNotDependOnTheSplits() throws IOException {
        Path file = folder.resolve("f");
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            StringBuilder text = new StringBuilder();
            List<String> expected = new ArrayList<>();
            int lines = random.nextInt(12);
            for (int i = 1; i <= lines; i++) {
                String line = "x".repeat(random.nextInt(random.nextInt(3) == 0 ? 40 : 8));
                boolean last = i == lines && random.nextBoolean();
                text.append(line).append(last ? "" : random.nextBoolean() ? "\n" : "\r\n");
                if (!last || !line.isEmpty()) {
                    // A carriage return counts as a byte of the line.
                    boolean returns = text.toString().endsWith("\r\n");
                    boolean tooLong = line.length() + (returns ? 1 : 0) > LONGEST;
                    expected.add(i + (tooLong ? "+" : "=" + line));
                }
            }
            Files.writeString(file, text);
            int length = text.length();
            assertThat(cut(file, 0, length)).isEqualTo(expected);
            for (int i = 0; i <= length; i++) {
                assertThat(cut(file, 0, i, length)).as("cut at %s", i).isEqualTo(expected);
            }
            int a = random.nextInt(length + 1);
            int b = a + random.nextInt(length - a + 1);
            assertThat(cut(file, 0, a, b, length)).isEqualTo(expected);
        }
    }

    @Test
    void linesLongerThanTheBufferAreComplete() throws IOException {
        Path file = folder.resolve("f");
        String line = "y".repeat(200_000);
        Files.writeString(file, line + "\n" + line + "z\n");
        try (FSDataInputStream in = open(file)) {
            LineReader lines = new LineReader(in, Files.size(file), 0, Files.size(file), 0, 200_001);
            assertThat(lines.read()).hasSize(200_000);
            assertThat(lines.read()).hasSize(200_001);
            assertThat(lines.isTooLong()).isFalse();
            assertThat(lines.read()).isNull();
        }
    }

    @Test
    void aFileThatIsShorterThanListedFails() throws IOException {
        Path file = folder.resolve("f");
        Files.writeString(file, "a\nb");
        try (FSDataInputStream in = open(file)) {
            LineReader lines = new LineReader(in, 10, 0, 10, 0, LONGEST);
            assertThat(lines.read()).hasSize(1);
            assertThatThrownBy(lines::read).isInstanceOf(IOException.class).hasMessageContaining("10 bytes");
        }
    }
}
