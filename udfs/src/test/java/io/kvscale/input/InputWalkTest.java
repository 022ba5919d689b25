package io.kvscale.input;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class InputWalkTest {
    @TempDir
    private Path input;

    @BeforeEach
    void writeOneFile() throws IOException {
        Files.createFile(Files.createDirectory(input.resolve("folder")).resolve("a.safetensors"));
    }

    private List<InputFile> files() {
        return new InputWalk(List.of(input.toString()), name -> true, "--input", new Configuration()).list("any", "");
    }

    @Test
    @Timeout(20)
    void linksThatLoopAreRefused() throws IOException {
        Files.createSymbolicLink(input.resolve("folder/b"), Path.of(".."));
        Files.createSymbolicLink(input.resolve("folder/c"), Path.of("."));
        assertThatThrownBy(this::files)
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("is a link to a folder that holds it");
    }

    @Test
    void aLinkToAnotherFolderIsFollowed() throws IOException {
        Files.createSymbolicLink(input.resolve("link"), Path.of("folder"));
        assertThat(files()).extracting(InputFile::name).containsExactly("folder/a.safetensors", "link/a.safetensors");
    }

    @Test
    void foldersListedAtOnceGiveTheFilesInOrderAndCountThem() throws IOException {
        List<String> names = new ArrayList<>(List.of("folder/a.safetensors"));
        for (int folder = 0; folder < 60; folder++) {
            for (String name : List.of("b", "a.x/c", "a/d", "\u00e9")) {
                String file = "f" + folder + "/" + name + ".safetensors";
                Files.createDirectories(input.resolve(file).getParent());
                Files.createFile(input.resolve(file));
                names.add(file);
            }
        }
        names.sort(Sample::compareUtf8);
        LongAdder told = new LongAdder();
        List<InputFile> files = new InputWalk(
                        List.of(input.toString()),
                        name -> true,
                        name -> false,
                        "--input",
                        new Configuration(),
                        told::add)
                .list("any", "");
        assertThat(files).extracting(InputFile::name).containsExactlyElementsOf(names);
        assertThat(told.sum()).isEqualTo(names.size());
        InputWalk.checkNames(files);
    }

    @Test
    void namesWithoutTheirExtensionMustDiffer() throws IOException {
        Files.createFile(input.resolve("folder/a.b.safetensors"));
        Files.createFile(input.resolve("folder/a.arrow"));
        assertThatThrownBy(() -> InputWalk.checkNames(files()))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("'folder/a'");
    }

    @Test
    void aFileKeepsItsNamesInOnePiece() {
        for (String name : List.of("a/b.st", "b.st", "a/\ud800.st", "a/")) {
            InputFile file = new InputFile("file:/x/" + name, "in/" + name, "in", 3);
            assertThat(List.of(file.path(), file.name(), file.root()))
                    .containsExactly("file:/x/" + name, "in/" + name, "in");
        }
        InputFile other = new InputFile("file:/x/link", "b.st", "in", 3);
        assertThat(List.of(other.path(), other.name())).containsExactly("file:/x/link", "b.st");
        assertThat(other)
                .isEqualTo(new InputFile("file:/x/link", "b.st", "in", 3))
                .isNotEqualTo(new InputFile("file:/x/link", "b.st", "in", 4));
    }
}
