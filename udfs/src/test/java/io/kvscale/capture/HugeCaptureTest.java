package io.kvscale.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.ChildJvm;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.TableColumns;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Captures that are larger than any heap, or hold more tensors than any model. */
class HugeCaptureTest {
    private static final long TENSOR = 5L << 30;

    @TempDir
    private Path folder;

    /** A sparse file of 20 GB, whose first, middle and last bytes are read. */
    @Test
    void twentyGigabytesAreReadInAHeapOf500Megabytes() throws Exception {
        StringBuilder header = new StringBuilder("{");
        for (int i = 0; i < 4; i++) {
            header.append(i == 0 ? "" : ",").append(entry(name(i), TENSOR / 2048, i * TENSOR));
        }
        Path file = write(header.append('}'), 4 * TENSOR);
        Process child = ChildJvm.of(
                        HugeCaptureTest.class,
                        List.of("-Xmx500m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
                        file.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(said).endsWith("read 4 tensors, " + (3L << 20) + " bytes\n");
    }

    /** Reads the headers of the whole file, then three pieces of one megabyte. */
    public static void main(String[] args) {
        Path path = Path.of(args[0]);
        InputFile file = CaptureListing.of(List.of(path.toString()), new Configuration())
                .files()
                .get(0);
        int[] tensors = {0};
        reader(CaptureReader.Depth.HEADERS)
                .read(new FilePiece(file, 0, file.length()), (slot, position, values) -> tensors[0]++);
        long[] bytes = {0};
        long last = file.length() - (1 << 20);
        for (long start : new long[] {file.length() - 4 * TENSOR, file.length() / 2, last}) {
            reader(CaptureReader.Depth.VALUES)
                    .read(
                            new FilePiece(file, start, start + (1 << 20)),
                            (slot, position, values) -> bytes[0] += values.remaining());
        }
        System.out.print("read " + tensors[0] + " tensors, " + bytes[0] + " bytes\n");
    }

    @Test
    void twoHundredThousandForeignTensorsAreCounted() throws IOException {
        StringBuilder header = new StringBuilder("{").append(entry(name(0), 1, 0));
        for (int i = 1; i < 200_000; i++) {
            header.append(',').append(entry("other." + i, 1, i * 2048L));
        }
        Path file = write(header.append('}'), 200_000 * 2048L);
        CaptureReader reader = read(file);
        assertThat(reader.unmatchedTensors()).isEqualTo(199_999);
        assertThat(reader.unmatchedNames()).hasSizeLessThan(100);
    }

    @Test
    void twoHundredThousandTensorsOfKeysAreRefused() throws IOException {
        StringBuilder header = new StringBuilder("{").append(entry(name(0), 1, 0));
        for (int i = 1; i < 200_000; i++) {
            header.append(',').append(entry("x" + i + ".layers.0.keys", 1, i * 2048L));
        }
        Path file = write(header.append('}'), 200_000 * 2048L);
        assertThatThrownBy(() -> read(file))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("huge.safetensors");
    }

    @Test
    void patternsThatTakeTooLongOnLongNamesAreRefused() throws IOException {
        String text = "o".repeat(900);
        StringBuilder header = new StringBuilder("{").append(entry(name(0), 1, 0));
        for (int i = 1; i < 5_000; i++) {
            header.append(',').append(entry(text + i, 1, i * 2048L));
        }
        Path file = write(header.append('}'), 5_000 * 2048L);
        // Names without a Z take no time, so that the test takes none: only the bound counts them.
        assertThatThrownBy(() -> read(file, "Z.{0,900}(?P<layer>\\d)"))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("key.tensors")
                .hasMessageContaining("take too long")
                .hasMessageContaining("huge.safetensors");
        assertThat(read(file, "layers\\.(?P<layer>\\d+)\\.keys").unmatchedTensors())
                .isEqualTo(4_999);
    }

    private static String name(int i) {
        return "layers." + i / 2 + (i % 2 == 0 ? ".keys" : ".values");
    }

    private static String entry(String name, long tokens, long begin) {
        return "\"%s\":{\"dtype\":\"BF16\",\"shape\":[1,8,%d,128],\"data_offsets\":[%d,%d]}"
                .formatted(name, tokens, begin, begin + tokens * 2048);
    }

    private Path write(CharSequence header, long data) throws IOException {
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        Path path = folder.resolve("huge.safetensors");
        byte[] start = ByteBuffer.allocate(8 + json.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .array();
        Files.write(path, start);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(start.length + data);
        }
        return path;
    }

    private static CaptureReader read(Path path) {
        return read(path, CaptureOptions.defaults());
    }

    private static CaptureReader read(Path path, String keys) {
        return read(
                path,
                new CaptureOptions(keys, null, null, 0, 0, null, List.of(), List.of(), false, TableColumns.DEFAULT));
    }

    private static CaptureReader read(Path path, CaptureOptions options) {
        InputFile file = CaptureListing.of(List.of(path.toString()), new Configuration())
                .files()
                .get(0);
        CaptureReader reader =
                new CaptureReader(options, new Configuration(), CaptureReader.Depth.HEADERS, bytes -> {});
        reader.read(new FilePiece(file, 0, file.length()), (slot, position, values) -> {});
        return reader;
    }

    private static CaptureReader reader(CaptureReader.Depth depth) {
        return new CaptureReader(CaptureOptions.defaults(), new Configuration(), depth, bytes -> {});
    }
}
