package io.kvscale.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostileModelTest {
    private static final int F32 = 1;

    @TempDir
    private Path folder;

    private Path inside;
    private byte[] whole;

    @BeforeEach
    void copy() throws IOException {
        inside = Files.createDirectory(folder.resolve("model"));
        whole = Files.readAllBytes(TinyModel.copy(inside).resolve(TinyModel.GRAPH));
    }

    @Test
    void aFileCutShortAnywhereIsRefused() throws IOException {
        Random random = new Random(6);
        for (int i = 0; i < 60; i++) {
            int length = i < 20 ? i : i < 40 ? whole.length - 1 - (i - 20) : random.nextInt(whole.length);
            Files.write(inside.resolve(TinyModel.GRAPH), Arrays.copyOf(whole, length));
            refused("cut short", TinyModel.GRAPH);
            if (i % 10 == 0) {
                assertThatThrownBy(() -> DecoderModel.open(inside, TinyModel.GRAPH, Outputs.CACHE))
                        .isInstanceOf(InvalidDataException.class)
                        .hasMessageContaining("cut short");
            }
        }
    }

    @Test
    void manyGraphsAreNotHeld() throws IOException {
        byte[] empty = new byte[20 << 20];
        for (int i = 0; i < empty.length; i += 2) {
            empty[i] = 7 << 3 | 2; // ModelProto's field graph, of no bytes
        }
        Files.write(inside.resolve(TinyModel.GRAPH), empty);
        refused("more than one graph", TinyModel.GRAPH);
    }

    @Test
    void damagedBytesGiveAShapeOrAProblem() throws IOException {
        Random random = new Random(7);
        int refused = 0;
        for (int i = 0; i < 300; i++) {
            byte[] damaged = whole.clone();
            for (int flips = 0; flips <= i % 3; flips++) {
                // The structure is at both ends of the file, the weights are between.
                int at = random.nextInt(60_000);
                damaged[random.nextBoolean() ? at : whole.length - 1 - at] ^= (byte) (1 << random.nextInt(8));
            }
            Files.write(inside.resolve(TinyModel.GRAPH), damaged);
            try {
                assertThat(TinyModel.check(inside, TinyModel.GRAPH).layers()).isEqualTo(3);
            } catch (InvalidDataException e) {
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(20);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "version https://git-lfs.github.com/spec/v1\n", "\0\0\0\0", "{\"a\": 1}"})
    void aFileThatIsNotProtobufIsRefused(String content) throws IOException {
        Files.writeString(inside.resolve(TinyModel.GRAPH), content);
        refused("is not an ONNX model", "git lfs pull");
    }

    @Test
    void aFileAbove2GigabytesIsRefused() throws IOException {
        try (RandomAccessFile sparse =
                new RandomAccessFile(inside.resolve(TinyModel.GRAPH).toFile(), "rw")) {
            sparse.setLength(1L << 31);
        }
        refused("2147483648 bytes", "external data");
        assertThatThrownBy(() -> DecoderModel.open(inside, TinyModel.GRAPH, Outputs.CACHE))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("2147483648 bytes");
    }

    @Test
    void namesAndNestingAreBounded() {
        write(TestGraph.longName());
        refused("has a name of 131072 bytes");
        byte[] graph = {};
        for (int depth = 0; depth < 5_000; depth++) {
            graph = TestGraph.nodeWith(graph);
        }
        write(graph);
        refused("nests graphs more than 16 deep");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/etc/hostname", "../outside", "a/../../outside", "a//b", "", "C:\\x", "..\\outside", "file:///x"
            })
    void dataOutsideTheFolderIsRefused(String location) throws IOException {
        Files.writeString(folder.resolve("outside"), "secret");
        write(TestGraph.external(F32, new long[] {1}, "location", location));
        refused("which is not below its folder", "\"" + location + "\"");
    }

    @Test
    void aLinkOutOfTheFolderIsRefused() throws IOException {
        Path outside = Files.writeString(folder.resolve("outside"), "secret");
        Files.createSymbolicLink(inside.resolve("data"), outside);
        write(TestGraph.external(F32, new long[] {1}, "location", "data"));
        refused("data is a link out of its folder");
        Files.delete(inside.resolve("data"));
        Files.createSymbolicLink(inside.resolve("down"), folder);
        write(TestGraph.external(F32, new long[] {1}, "location", "down/outside"));
        refused("down/outside is a link out of its folder");
    }

    @Test
    void dataInAGraphInsideAnAttributeIsCheckedToo() {
        write(TestGraph.nodeWith(TestGraph.external(F32, new long[] {1}, "location", "../outside")));
        refused("\"../outside\", which is not below its folder");
    }

    @Test
    void dataThatIsMissingOrCutShortIsNamed() throws IOException {
        write(TestGraph.external(F32, new long[] {4, 8}, "location", "data"));
        refused("data file data is missing");
        Files.write(inside.resolve("data"), new byte[127]);
        refused("cut short: the weights weights end at byte 128, the file has 127 bytes", "file data");
        Files.write(inside.resolve("data"), new byte[128]);
        assertThat(TinyModel.check(inside, TinyModel.GRAPH).layers()).isEqualTo(1);
        write(TestGraph.external(F32, new long[] {4, 8}, "location", "data", "offset", "1"));
        refused("end at byte 129, the file has 128 bytes");
        write(TestGraph.external(F32, new long[] {1}, "location", "data", "length", "129"));
        refused("end at byte 129, the file has 128 bytes");
        write(TestGraph.external(F32, new long[] {1L << 62, 1L << 62}, "location", "data", "offset", "8"));
        refused("2^63 or later");
        write(TestGraph.external(F32, new long[] {1}, "location", "data", "offset", "-8"));
        refused("\"-8\" as offset or length of the weights weights");
    }

    /** A sparse file of a terabyte takes no space, but an hour to hash. */
    @Test
    void aDataFileMuchLargerThanTheGraphUsesIsRefused() throws IOException {
        write(TestGraph.external(F32, new long[] {4, 8}, "location", "data"));
        try (RandomAccessFile sparse =
                new RandomAccessFile(inside.resolve("data").toFile(), "rw")) {
            sparse.setLength((64L << 20) + 4 * 128);
            assertThat(TinyModel.check(inside, TinyModel.GRAPH).layers()).isEqualTo(1);
            sparse.setLength(1L << 40);
        }
        refused("data file has 1099511627776 bytes, but the graph uses only the first 128 of them", "file data");
    }

    @Test
    void aGraphOfMoreThanAHundredThousandNodesIsRefused() {
        TestGraph graph = TestGraph.decoder(1, 2, 16, F32);
        for (int i = 0; i <= 100_000; i++) {
            graph.add(TestGraph.node("Identity", List.of("x" + i), List.of("x" + (i + 1))));
        }
        graph.write(inside, TestGraph.config(1, 2, 16));
        refused("the model's graph has more than 100000 nodes", "onnxruntime_genai.models.builder");
    }

    @Test
    void weightsMissingInTheGraphsOwnFileAreAnErrorOfOnnxRuntime() throws IOException {
        // The dims of the first tensor exceed its bytes.
        String text = new String(whole, StandardCharsets.ISO_8859_1);
        int at = text.indexOf("\u0008\u0080\u0004\u0008\u0030\u0010\u0001");
        assertThat(at).isPositive();
        byte[] damaged = whole.clone();
        damaged[at + 4] = 0x31;
        Files.write(inside.resolve(TinyModel.GRAPH), damaged);
        assertThatThrownBy(() -> DecoderModel.open(inside, TinyModel.GRAPH, Outputs.CACHE))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("ONNX Runtime cannot load the model");
    }

    private void write(byte[] field) {
        TestGraph.decoder(1, 2, 16, F32).add(field).write(inside, TestGraph.config(1, 2, 16));
    }

    private void refused(String... messages) {
        assertThatThrownBy(() -> TinyModel.check(inside, TinyModel.GRAPH))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll(messages);
    }
}
