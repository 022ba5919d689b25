package io.kvscale.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.rows.CaptureRow;
import io.kvscale.capture.rows.CaptureRows;
import io.kvscale.capture.rows.RowFilter;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.safetensors.SafetensorsWriter;
import io.kvscale.tensor.InvalidDataException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A real file that another process writes to while it is read: its values may be of two contents. */
class ChangedFileTest {
    private static final String CHANGED = "the file changed while it was read";

    @TempDir
    private Path folder;

    private final Configuration configuration = new Configuration();
    private Path path = Path.of("");
    private InputFile file = new InputFile("", "", "", 0);

    /** What the other process does. */
    enum Change {
        REPLACED_BY_ANOTHER_OF_THE_SAME_SIZE,
        OVERWRITTEN_IN_PLACE,
        GROWN,
        CUT;

        void run(Path path) {
            try {
                byte[] other = capture((byte) 2);
                switch (this) {
                    case REPLACED_BY_ANOTHER_OF_THE_SAME_SIZE -> {
                        Path beside = Files.write(path.resolveSibling("beside"), other);
                        later(beside);
                        Files.move(beside, path, StandardCopyOption.REPLACE_EXISTING);
                    }
                    case OVERWRITTEN_IN_PLACE -> {
                        Files.write(path, other, StandardOpenOption.WRITE);
                        later(path);
                    }
                    case GROWN -> Files.write(path, new byte[1], StandardOpenOption.APPEND);
                    case CUT -> Files.write(path, java.util.Arrays.copyOf(other, 1 << 20));
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** The clock of the test may be too coarse to tell two writes apart. */
    private static void later(Path path) throws IOException {
        long written = Files.getLastModifiedTime(path).toMillis();
        Files.setLastModifiedTime(path, FileTime.fromMillis(written + 10));
    }

    private static byte[] capture(byte value) {
        byte[] values = new byte[2 << 20];
        java.util.Arrays.fill(values, value);
        SafetensorsWriter writer = new SafetensorsWriter();
        writer.add("layers.0.keys", "BF16", List.of(1L, 2L, 8_192L, 64L), values);
        writer.add("layers.0.values", "BF16", List.of(1L, 2L, 8_192L, 64L), values);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            writer.writeTo(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    @BeforeEach
    void write() throws IOException {
        path = Files.write(folder.resolve("sample.safetensors"), capture((byte) 1));
        list();
    }

    private void list() {
        file = CaptureListing.of(List.of(folder.toString()), configuration)
                .files()
                .get(0);
    }

    private void read(long start, long end, Runnable atFirstChunk) {
        CaptureReader reader =
                new CaptureReader(CaptureOptions.defaults(), configuration, CaptureReader.Depth.VALUES, bytes -> {});
        boolean[] done = {false};
        reader.read(new FilePiece(file, start, end), (slot, position, values) -> {
            if (!done[0]) {
                done[0] = true;
                atFirstChunk.run();
            }
        });
        assertThat(done).containsExactly(true);
    }

    @ParameterizedTest
    @EnumSource
    void aChangeDuringTheReadIsAnError(Change change) {
        assertThatThrownBy(() -> read(0, file.length(), () -> change.run(path)))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll(CHANGED, "sample.safetensors");
    }

    @ParameterizedTest
    @EnumSource
    void eachPieceOfAFileIsChecked(Change change) {
        read(0, 1 << 20, () -> {});
        change.run(path);
        assertThatThrownBy(() -> read(1 << 20, file.length(), () -> {})).hasMessageContaining(CHANGED);
    }

    @Test
    void aFileThatWasReplacedSinceTheListingIsNotCalledDamaged() throws IOException {
        Files.write(path, "Once upon a time there was a cache.".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        assertThatThrownBy(() -> read(0, file.length(), () -> {})).hasMessageContaining(CHANGED);
    }

    @ParameterizedTest
    @EnumSource
    void rowsOfTheDataSourceAreChecked(Change change) {
        Split split = new Split(new ArrayList<>(List.of(new FilePiece(file, 0, file.length()))));
        CaptureRows rows = new CaptureRows(
                split,
                CaptureOptions.defaults(),
                configuration,
                RowFilter.all(),
                new CaptureRows.Wanted(true, Long.MAX_VALUE));
        CaptureRow first = rows.next();
        assertThat(first).isNotNull();
        change.run(path);
        assertThat(rows.next()).isNotNull();
        assertThatThrownBy(rows::next).hasMessageContaining(CHANGED);
    }

    @Test
    void readingLeavesAnUnchangedFileAlone() {
        read(0, file.length(), () -> {});
        read(0, file.length() / 2, () -> {});
        list();
        read(file.length() / 2, file.length(), () -> {});
    }
}
