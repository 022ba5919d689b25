package io.kvscale.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelManifestTest {
    private static final Configuration HADOOP = new Configuration(false);

    @TempDir
    private Path folder;

    @Test
    void theFilesOfAModelAreNamedAndHashed() throws Exception {
        ModelManifest manifest = of(TinyModel.FOLDER);
        assertThat(manifest.files())
                .extracting(ModelFile::name)
                .containsExactly(
                        "chat_template.jinja", "config.json", "model.onnx", "tokenizer.json", "tokenizer_config.json");
        for (ModelFile file : manifest.files()) {
            byte[] bytes = Files.readAllBytes(TinyModel.FOLDER.resolve(file.name()));
            assertThat(file.bytes()).isEqualTo(bytes.length);
            assertThat(file.sha256())
                    .isEqualTo(HexFormat.of()
                            .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)));
        }
        assertThat(manifest.id()).hasSize(64).isEqualTo(of(TinyModel.FOLDER).id());
        manifest.verify(TinyModel.FOLDER);
    }

    @Test
    void dataFilesBelongToTheModelAndOtherFilesDoNot() throws IOException {
        TestGraph.decoder(1, 2, 16, 1)
                .add(TestGraph.external(1, new long[] {4}, "location", "parts/data"))
                .write(folder, TestGraph.config(1, 2, 16));
        assertThatThrownBy(() -> of(folder))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("data file parts/data is missing");
        Files.createDirectory(folder.resolve("parts"));
        Files.write(folder.resolve("parts/data"), new byte[16]);
        Files.writeString(folder.resolve("README.md"), "no part of it");
        assertThat(of(folder).files())
                .extracting(ModelFile::name)
                .containsExactly("config.json", "model.onnx", "parts/data");
        Files.write(folder.resolve("parts/data"), new byte[15]);
        assertThatThrownBy(() -> of(folder))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("end at byte 16, the file has 15 bytes");
    }

    @Test
    void aLinkOutOfTheFolderIsFollowed() throws IOException {
        Path inside = Files.createDirectory(folder.resolve("model"));
        TestGraph.decoder(1, 2, 16, 1)
                .add(TestGraph.external(1, new long[] {1}, "location", "data"))
                .write(inside, TestGraph.config(1, 2, 16));
        Files.createSymbolicLink(inside.resolve("data"), Files.writeString(folder.resolve("outside"), "secret"));
        assertThat(of(inside).files())
                .anySatisfy(
                        file -> assertThat(file).isEqualTo(new ModelFile("data", 6, DigestUtils.sha256Hex("secret"))));
    }

    @Test
    void missingFilesAreNamedWithTheRemedy() throws IOException {
        assertThatThrownBy(() -> of(folder))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("no file model.onnx")
                .hasMessageContaining("text-generation-with-past");
        TinyModel.copy(folder);
        Files.delete(folder.resolve("config.json"));
        assertThatThrownBy(() -> of(folder))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("no config.json");
    }

    @Test
    void aCopyThatDiffersIsRefused() throws IOException {
        TinyModel.copy(folder);
        ModelManifest manifest = of(folder);
        manifest.verify(folder);
        byte[] bytes = Files.readAllBytes(folder.resolve(TinyModel.GRAPH));
        bytes[bytes.length / 2] ^= 1;
        Files.write(folder.resolve(TinyModel.GRAPH), bytes);
        assertDiffers(manifest, "has the SHA-256 hash");
        assertThat(of(folder).id()).isNotEqualTo(manifest.id());
        Files.write(folder.resolve(TinyModel.GRAPH), new byte[5]);
        assertDiffers(manifest, "has 5 bytes, expected " + bytes.length);
        Files.delete(folder.resolve(TinyModel.GRAPH));
        assertDiffers(manifest, "is missing");
    }

    private void assertDiffers(ModelManifest manifest, String message) {
        assertThatThrownBy(() -> manifest.verify(folder))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining(message)
                .hasMessageContaining(TinyModel.GRAPH);
    }

    private static ModelManifest of(Path folder) {
        return ModelManifest.of(new org.apache.hadoop.fs.Path(folder.toUri()), TinyModel.GRAPH, HADOOP);
    }
}
