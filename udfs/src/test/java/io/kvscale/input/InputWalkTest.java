package io.kvscale.input;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
}
