package io.kvscale.job.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Recipe files, including all of conf/recipes. */
class RecipeFileTest {
    private static final Path SHIPPED = Path.of("..", "conf", "recipes");

    @TempDir
    Path folder = Path.of("");

    static List<Path> shipped() throws IOException {
        try (Stream<Path> files = Files.list(SHIPPED)) {
            return files.sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("shipped")
    void everyShippedRecipeLoads(Path file) {
        assertThat(file.toString()).endsWith(".yaml");
        assertThat(read(file).name()).endsWith(file.getFileName().toString());
    }

    @Test
    void everyShippedRecipeHasTheSchemeOfItsName() {
        assertThat(shipped("fp8").schemes().value()).isEqualTo(QuantizationScheme.fp8());
        assertThat(shipped("fp8").notices()).isEmpty();
        assertThat(shipped("fp8_attn_head").schemes().key())
                .isEqualTo(QuantizationScheme.of(NumberFormat.FP8_E4M3, Strategy.ATTN_HEAD));
        assertThat(shipped("int8_channel").schemes().key())
                .isEqualTo(QuantizationScheme.of(NumberFormat.INT8, Strategy.CHANNEL));
        assertThat(shipped("int8_channel").schemes().value())
                .isEqualTo(QuantizationScheme.of(NumberFormat.INT8, Strategy.ATTN_HEAD));
        assertThat(shipped("int4_group").schemes().key().groupSize()).isEqualTo(32);
        assertThat(shipped("nvfp4").schemes().key()).isEqualTo(QuantizationScheme.nvfp4(GlobalScale.ABSMAX_448));
        assertThat(shipped("nvfp4").notices()).isEmpty();
        assertThat(shipped("llm_compressor_example").schemes().key()).isEqualTo(QuantizationScheme.fp8());
        assertThat(shipped("llm_compressor_example").notices())
                .singleElement()
                .asString()
                .contains("GPTQModifier.config_groups");
    }

    /** The commented keys of fp8.yaml must work without the comment signs. */
    @Test
    void theCommentedKeysOfTheFirstRecipeWork() throws IOException {
        String text = Files.readString(SHIPPED.resolve("fp8.yaml"));
        int start = text.indexOf("# kvscale:");
        String open = text.substring(0, start)
                + text.substring(start)
                        .lines()
                        .map(line -> line.substring(2) + "\n")
                        .reduce("", String::concat);
        assertThat(Recipe.parse(open, "open").capture().keyTensors()).isEqualTo("layers\\.(?P<layer>\\d+)\\.keys");
    }

    private static Recipe shipped(String name) {
        return read(SHIPPED.resolve(name + ".yaml"));
    }

    private static Recipe read(Path file) {
        return Recipe.read(new org.apache.hadoop.fs.Path(file.toAbsolutePath().toUri()), new Configuration(false));
    }

    private void refused(byte[] bytes, String part) throws IOException {
        Path file = Files.write(folder.resolve("r.yaml"), bytes);
        refused(file, part);
    }

    private static void refused(Path file, String part) {
        assertThatThrownBy(() -> read(file))
                .isInstanceOf(RecipeException.class)
                .hasMessageContainingAll(part, "in recipe ", file.getFileName().toString());
    }

    @Test
    void filesThatAreNotRecipesAreRefused() throws IOException {
        refused(new byte[0], "empty");
        refused(new byte[10 << 20], "larger than 1048576 bytes");
        refused(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) 0xff}, "UTF-8");
        refused("kv_cache_scheme: {}".getBytes(StandardCharsets.UTF_16), "UTF-8");
        refused(folder.resolve("absent.yaml"), "does not exist");
        refused(folder, "is a folder");
    }

    @Test
    void anUnknownFileSystemIsRefused() {
        assertThatThrownBy(() ->
                        Recipe.read(new org.apache.hadoop.fs.Path("nosuch://host/r.yaml"), new Configuration(false)))
                .isInstanceOf(RecipeException.class)
                .hasMessageContaining("cannot be read");
    }
}
