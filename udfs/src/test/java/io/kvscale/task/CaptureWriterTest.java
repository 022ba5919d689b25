package io.kvscale.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Saved captures are complete or absent, and stay in their folder. */
class CaptureWriterTest {
    private static final Geometry GEOMETRY = new Geometry(Dtype.F32, 1, 2);

    @TempDir
    Path parent;

    private Path folder;
    private CaptureWriter writer;

    @BeforeEach
    void open() throws IOException {
        folder = Files.createDirectory(parent.resolve("saved"));
        writer = new CaptureWriter(new org.apache.hadoop.fs.Path(folder.toUri()), new Configuration());
    }

    @AfterEach
    void close() throws IOException {
        writer.close();
    }

    private static SampleTensors sample(String name, int tokens) {
        return new SampleTensors(
                name,
                List.of(new Slot(0, Role.KEY), new Slot(0, Role.VALUE)),
                GEOMETRY,
                0,
                tokens,
                slot -> new KvTensor(GEOMETRY, 1, tokens, ByteBuffer.allocateDirect(8 * tokens)));
    }

    private List<String> found() throws IOException {
        try (Stream<Path> all = Files.walk(parent)) {
            return all.filter(Files::isRegularFile)
                    .map(file -> parent.relativize(file).toString())
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a",
                "a/b/c.d/12",
                "a b",
                "50%",
                "a#1",
                "a?b=c",
                "a[1]{2}*",
                "\u00e9\u6f22\ud83d\ude00",
                "a..",
                "a~"
            })
    void aNameIsAPathBelowTheFolder(String name) throws IOException {
        writer.save(sample(name, 3));
        assertThat(found()).containsExactly("saved/" + name + ".safetensors");
        CaptureCorpus corpus = new CaptureCorpus(folder, 1);
        assertThat(corpus.files()).singleElement().satisfies(file -> {
            assertThat(file.stem()).isEqualTo(name);
            assertThat(file.name()).isEqualTo(sample(name, 3).file());
        });
        assertThat(corpus.whole().problem()).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "..",
                "../a",
                "a/../../b",
                "a/..",
                ".",
                "./a",
                "/etc/a",
                "/",
                "a/",
                "a//b",
                "hdfs://host/a",
                "file:/a",
                "a:b",
                "..\\a",
                "a\\..\\b",
                "a\u0000b",
                "a\nb",
                ".hidden",
                "a/.b/c",
                "_a",
                "a/_b"
            })
    void aNameOutsideTheFolderOrNotListedIsRefused(String name) throws IOException {
        assertThatThrownBy(() -> writer.save(sample(name, 3)))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("cannot be saved as a file");
        assertThat(found()).isEmpty();
    }

    @Test
    void retriedAndSpeculativeTasksLeaveOneCompleteFile() throws IOException {
        writer.save(sample("a/1", 3));
        byte[] first = Files.readAllBytes(folder.resolve("a/1.safetensors"));
        writer.save(sample("a/1", 3));
        assertThat(found()).containsExactly("saved/a/1.safetensors");
        assertThat(Files.readAllBytes(folder.resolve("a/1.safetensors"))).isEqualTo(first);
    }

    @Test
    void anExistingFileWithOtherContentIsAnError() throws IOException {
        writer.save(sample("a", 3));
        assertThatThrownBy(() -> writer.save(sample("a", 4)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("already exists with other content");
        assertThat(found()).containsExactly("saved/a.safetensors");
    }

    @Test
    void anIncompleteFileNeverAppears() throws IOException {
        SampleTensors broken = new SampleTensors(
                "a", List.of(new Slot(0, Role.KEY), new Slot(0, Role.VALUE)), GEOMETRY, 0, 2, slot -> {
                    if (slot.role() == Role.VALUE) {
                        throw new IllegalStateException("gone");
                    }
                    return new KvTensor(GEOMETRY, 1, 2, ByteBuffer.allocate(16));
                });
        assertThatThrownBy(() -> writer.save(broken)).hasMessage("gone");
        assertThat(found()).isEmpty();
        assertThatCode(() -> writer.save(sample("a", 2))).doesNotThrowAnyException();
    }
}
