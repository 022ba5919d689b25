package io.kvscale.job.corpus.read;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.UnusableFileException;
import io.kvscale.job.Folder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FilePieceReaderTest {
    private static final String TEXT = "{\"text\": \"one\"}\n{\"text\": \"two\"}\n";

    private final Configuration configuration = new Configuration();

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"t.jsonl", "t.txt"})
    void aFileThatGrowsOrIsRewrittenWhileItIsReadIsAnError(String name) throws IOException {
        Path path = Folder.write(folder.resolve(name), TEXT);
        read(path, () -> {});
        assertThatThrownBy(() -> read(path, () -> Files.writeString(path, "x", StandardOpenOption.APPEND)))
                .isInstanceOf(UnusableFileException.class)
                .hasMessageContaining("changed while it was read");
        assertThatThrownBy(() -> read(path, () -> {
                    long written = Files.getLastModifiedTime(path).toMillis();
                    Files.writeString(path, Files.readString(path).replace("one", "two"));
                    Files.setLastModifiedTime(path, FileTime.fromMillis(written + 10));
                }))
                .hasMessageContaining("changed while it was read");
    }

    private interface Change {
        void run() throws IOException;
    }

    /** Reads all records; the change happens after the first. */
    private void read(Path path, Change change) throws IOException {
        InputFile file =
                TextListing.of(List.of(path.toString()), configuration).files().get(0);
        try (FilePieceReader reader = new FilePieceReader(new FilePiece(file, 0, file.length()), 0, configuration)) {
            assertThat(reader.next()).isNotNull();
            change.run();
            while (reader.next() != null) {
                // The last call checks the file.
            }
        }
    }
}
