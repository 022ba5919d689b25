package io.kvscale.job;

import io.kvscale.job.command.ExitCode;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Captures with another number of heads than the model's config.json says, in K, in V or in both. */
class RepeatedHeadsCommandTest {
    private static final String CONFIG =
            "{\"model_type\": \"llama\", \"num_hidden_layers\": 1, \"num_attention_heads\": 4, \"num_key_value_heads\": 2,"
                    + " \"hidden_size\": 128}";

    @TempDir
    private Path work;

    @ParameterizedTest
    @CsvSource({
        "4,32,2,32,layers.0.keys,4 heads of 32",
        "2,32,4,32,layers.0.values,4 heads of 32",
        "1,64,1,64,layers.0.keys,1 heads of 64",
        "1,64,2,32,layers.0.keys,1 heads of 64",
        "2,32,1,64,layers.0.values,1 heads of 64"
    })
    void aWrongNumberOfHeadsIsAnError(
            long keyHeads, long keyDim, long valueHeads, long valueDim, String tensor, String found) {
        Capture capture = new Capture()
                .add("layers.0.keys", "BF16", List.of(1L, keyHeads, 20L, keyDim), Capture.random(1))
                .add("layers.0.values", "BF16", List.of(1L, valueHeads, 20L, valueDim), Capture.random(2));
        capture.write(work.resolve("in/a.safetensors"));
        Path config = Folder.write(work.resolve("config.json"), CONFIG);
        Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.recipe(work, "num_bits: 8, type: float, strategy: tensor"),
                        "--model-config",
                        config,
                        "--input",
                        work.resolve("in"),
                        "--output",
                        work.resolve("out"))
                .fails(ExitCode.DATA, found, "config.json says 2 of 32", "file a.safetensors", tensor);
    }
}
