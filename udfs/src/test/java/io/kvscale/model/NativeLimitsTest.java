package io.kvscale.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnxruntime.OrtException;
import io.kvscale.ChildJvm;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NativeLimitsTest {
    @TempDir
    private Path temporary;

    /** Runs in its own JVM with less native memory than a batch needs; unpacked files must be gone at its end. */
    @Test
    void aBatchThatIsTooLargeIsNamedAndTheNextOneRuns() throws Exception {
        ProcessBuilder builder = ChildJvm.of(
                Batches.class,
                List.of(
                        "-Xmx64m",
                        "-XX:MaxDirectMemorySize=4m",
                        "-XX:TieredStopAtLevel=1",
                        "-Djava.io.tmpdir=" + temporary,
                        "-Duser.home=" + temporary.resolve("home")),
                TinyModel.FOLDER.toString());
        builder.environment().put("HOME", temporary.resolve("home").toString());
        String output = ChildJvm.run(builder);
        assertThat(output)
                .contains("out of memory in native code: cannot allocate")
                .contains("spark.executor.cores")
                .contains("max_seq_length")
                .contains("16 tokens");
        assertThat(remainingFiles()).isEmpty();
    }

    @Test
    void aMachineThatCannotLoadOnnxRuntimeIsNamed() throws Exception {
        String output = ChildJvm.run(ChildJvm.of(
                Elsewhere.class,
                List.of("-XX:TieredStopAtLevel=1", "-Djava.io.tmpdir=" + temporary.resolve("absent")),
                TinyModel.FOLDER.toString()));
        assertThat(output).contains("ONNX Runtime does not load on " + System.getProperty("os.name"), "java.io.tmpdir");
    }

    private List<Path> remainingFiles() throws IOException {
        try (Stream<Path> files = Files.list(temporary)) {
            return files.filter(file -> !file.getFileName().toString().startsWith("hsperfdata"))
                    .toList();
        }
    }

    /** Feeds a batch of 8 MB of K and V, then a small one. */
    static final class Batches {
        public static void main(String[] args) {
            try (DecoderModel model = DecoderModel.open(Path.of(args[0]), TinyModel.GRAPH, Outputs.CACHE);
                    DecoderRun run = model.newRun()) {
                run.begin(16);
                try {
                    run.feed(new int[16][1024]);
                } catch (InvalidDataException e) {
                    System.out.println(e.getMessage());
                }
                run.begin(1);
                run.feed(new int[1][16]);
                System.out.println(run.tokens() + " tokens");
            }
        }
    }

    /** Opens a model although no library can be unpacked. */
    static final class Elsewhere {
        public static void main(String[] args) {
            try {
                DecoderModel.open(Path.of(args[0]), TinyModel.GRAPH, Outputs.CACHE)
                        .close();
            } catch (InvalidDataException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Error code - ORT_RUNTIME_EXCEPTION - message: std::bad_alloc\n/somewhere/file.cc:12",
                "Error code - ORT_FAIL - message: Failed to allocate memory for requested buffer of size 8589934592"
            })
    void allocationErrorsAreRecognized(String errorText) {
        InvalidDataException e = OrtFailure.atRun(new OrtException(errorText));
        assertThat(e)
                .hasMessageContaining("out of memory in native code")
                .hasMessageContaining("spark.executor.cores")
                .hasMessageNotContaining("/somewhere")
                .hasMessageNotContaining("Error code");
        assertThat(OrtFailure.atRun(new OrtException("x".repeat(10_000))).getMessage())
                .startsWith("ONNX Runtime failed while running the model: xxx")
                .hasSizeLessThan(500);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Status Message: Input 'past_key' dimension 3 should match the packed KV head dimension, got 24 expected 16",
                "Got invalid dimensions for output: present.0.key for the following indices\n index: 3 Got: 8 Expected: 16"
            })
    void errorsAboutCacheSizesPointAtConfigJson(String errorText) {
        assertThat(OrtFailure.atRun(new OrtException(errorText)))
                .hasMessageContainingAll("num_key_value_heads and head_dim in config.json")
                .hasMessageNotContaining("runs this text");
    }

    @Test
    void nativeMemoryGrowsAndIsFreed() {
        try (NativeBuffer buffer = new NativeBuffer()) {
            assertThat(buffer.take(100).remaining()).isEqualTo(100);
            buffer.take(100).putInt(0, 7);
            assertThat(buffer.take(50).getInt(0)).as("the same memory").isEqualTo(7);
            assertThat(buffer.take(101).remaining()).isEqualTo(101);
            buffer.take(125).putInt(0, 8);
            assertThat(buffer.take(124).getInt(0)).as("grown by a quarter").isEqualTo(8);
            assertThatThrownBy(() -> buffer.take(1L << 31))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContaining("2147483648 bytes");
        }
    }
}
