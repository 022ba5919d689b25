package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a model's config.json says is checked against captures, headers and statistics. */
class ModelConfigCommandTest {
    @TempDir
    private Path work;

    private Path config(String... more) {
        return Folder.write(
                work.resolve(
                        "config-" + Integer.toHexString(String.join(",", more).hashCode()) + ".json"),
                "{\"model_type\": \"llama\", \"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 32,"
                        + String.join(",", more) + "}");
    }

    private static String layers(int layers) {
        return "\"num_hidden_layers\": " + layers;
    }

    private Cli calibrate(Path config, Object... more) {
        List<Object> words = new ArrayList<>(
                List.of("calibrate", "--recipe", Folder.FP8, "--input", work.resolve("in"), "--model-config", config));
        words.addAll(List.of(more));
        if (!words.contains("--dry-run")) {
            words.addAll(List.of("--output", work.resolve("out"), "--overwrite"));
        }
        return Cli.run(words.toArray());
    }

    private void refused(Path config, String... parts) {
        calibrate(config).fails(ExitCode.DATA, parts);
        calibrate(config, "--dry-run").fails(ExitCode.DATA, parts);
    }

    @Test
    void theNumberThatDiffersIsNamed() {
        Capture.of(3, 40, 1).write(work.resolve("in/a.safetensors"));
        assertThat(calibrate(config(layers(3))).isDone().err()).doesNotContain("config.json");
        refused(config(layers(4)), "layer 3 is missing, but config.json says that it has a KV cache");
        refused(config(layers(2)), "layer 2", "config.json says 2 layers");
        refused(
                config(layers(3), "\"num_key_value_heads\": 4"),
                "gives 2 heads of 32, config.json says 4 of 32",
                "layers.0.keys");
        refused(config(layers(3), "\"head_dim\": 64"), "gives 2 heads of 32, config.json says 2 of 64");
        refused(
                config(layers(3), "\"layer_types\": [\"full_attention\", \"linear_attention\", \"full_attention\"]"),
                "layer 1, which has no KV cache according to config.json");
    }

    @Test
    void repeatedHeadsAreNamed() {
        Capture capture = new Capture();
        for (String kind : List.of("keys", "values")) {
            capture.add("layers.0." + kind, "BF16", List.of(1L, 4L, 40L, 32L), Capture.random(kind.length()));
        }
        capture.write(work.resolve("in/a.safetensors"));
        refused(config(layers(1)), "4 heads of 32, config.json says 2 of 32", "repeated to the 4 query heads");
    }

    @Test
    void layersWithoutACacheOfTheirOwnAreExpectedToBeAbsent() {
        Capture capture = new Capture();
        capture.pair(1, 40, 1).pair(3, 40, 2).write(work.resolve("in/a.safetensors"));
        calibrate(config(layers(4), "\"full_attention_interval\": 2")).isDone();
        assertThat(Folder.scales(work.resolve("out")).slots()).hasSize(4);
        refused(config(layers(4)), "layer 0 is missing");
        refused(config(layers(6), "\"full_attention_interval\": 2"), "layer 5 is missing");
    }

    @Test
    void aValueThatIsMissingIsAnErrorOfTheDryRunToo() {
        new Capture().pair(0, 40, 1).key(1, 40, 2).write(work.resolve("in/a.safetensors"));
        refused(config(layers(2)), "the corpus has the key of this layer, but no value");
    }

    @Test
    void windowsAreSaidForEachLayer() {
        new Capture().pair(0, 31, 1).pair(1, 96, 2).pair(2, 31, 3).write(work.resolve("in/a.safetensors"));
        String kinds = "\"sliding_window\": 32, \"layer_types\":"
                + " [\"sliding_attention\", \"full_attention\", \"sliding_attention\"]";
        assertThat(calibrate(config(layers(3), kinds)).isDone().err())
                .contains("layers 0, 2 hold 31 of 96 tokens", "sliding window");
        refused(config(layers(3)), "31", "sliding window", "hybrid: true");
        // The layer that is full by config.json holds fewer tokens, and so does one whose window is wider than the
        // sample.
        String swapped =
                kinds.replace("\"full_attention\"", "\"x\"").replace("sliding_attention\"", "full_attention\"");
        refused(config(layers(3), swapped.replace("\"x\"", "\"sliding_attention\"")), "31");
        refused(config(layers(3), kinds.replace("32", "4096")), "31");
    }

    private void windows(int sample, int sliding, int full) {
        new Capture()
                .pair(0, sliding, 10L * sample)
                .pair(1, full, 10L * sample + 3)
                .pair(2, sliding, 10L * sample + 6)
                .write(work.resolve("in/" + sample + ".safetensors"));
    }

    /** A cache keeps the window, or one token less, or all tokens. */
    @Test
    void aSampleWhoseLayersDifferMoreThanTheirWindowsIsNamed() {
        Path config = config(
                layers(3),
                "\"sliding_window\": 32, \"layer_types\":"
                        + " [\"sliding_attention\", \"full_attention\", \"sliding_attention\"]");
        int[][] right = {{31, 60}, {32, 50}, {20, 20}, {31, 31}, {70, 70}};
        for (int i = 0; i < right.length; i++) {
            windows(i, right[i][0], right[i][1]);
        }
        calibrate(config).isDone();
        calibrate(config, "--dry-run").isDone();
        windows(3, 31, 20);
        refused(
                config,
                "holds 20 tokens of layer 1 key, which has no window, but 31 of layer 0 key (1 of 5 samples)",
                "in file 3.safetensors",
                "layer 1 key, sample 3",
                "config.json of the model");
        windows(3, 20, 90);
        windows(2, 30, 31);
        refused(
                config,
                "holds 31 tokens of layer 1 key, which has no window, but 30 of layer 0 key, whose window is 32"
                        + " (2 of 5 samples: 2, 3)",
                "in file 2.safetensors",
                "layer 0 key");
    }

    @Test
    void statisticsMustFitToo() {
        Capture.of(3, 40, 1).write(work.resolve("in/a.safetensors"));
        calibrate(config(layers(3))).isDone();
        Path statistics = work.resolve("out/statistics.kvstats");
        List<Object> words = List.of(
                "scales",
                "--statistics",
                statistics,
                "--recipe",
                Folder.FP8,
                "--output",
                work.resolve("again"),
                "--overwrite",
                "--model-config");
        Cli.run(with(words, config(layers(3)))).isDone();
        Cli.run(with(words, config(layers(3), "\"num_key_value_heads\": 4")))
                .fails(ExitCode.DATA, "2 heads of 32, config.json says 4 of 32", "layer 0 key");
        Cli.run(with(words, config(layers(5)))).fails(ExitCode.DATA, "layer 3 is missing");
        Cli.run(with(words, work.resolve("none"))).fails(ExitCode.DATA, "no config.json");
    }

    @Test
    void whatInspectShowsMustFitToo() {
        Path captures = work.resolve("in");
        Capture.of(3, 40, 1).write(captures.resolve("a.safetensors"));
        Capture.of(3, 40, 2).write(captures.resolve("b.safetensors"));
        calibrate(config(layers(3))).isDone();
        Path layer = work.resolve("layer.safetensors");
        new Capture().pair(1, 40, 1).write(layer);
        List<Path> all = List.of(
                captures,
                captures.resolve("a.safetensors"),
                work.resolve("out/statistics.kvstats"),
                work.resolve("out/kv_scales.json"),
                work.resolve("out"));
        for (Path path : all) {
            inspect(path, config(layers(3))).isDone();
            inspect(path, config(layers(4)))
                    .fails(ExitCode.DATA, "layer 3 is missing, but config.json", path.toString());
            inspect(path, config(layers(2))).fails(ExitCode.DATA, "layer 2", "2 layers");
            inspect(path, config(layers(3), "\"num_key_value_heads\": 4"))
                    .fails(ExitCode.DATA, "config.json says 4 of 32");
            inspect(path, config(layers(3), "\"head_dim\": 64")).fails(ExitCode.DATA, "config.json says 2 of 64");
        }
        inspect(layer, config(layers(4))).isDone();
        Path ignore = Folder.recipe(work, "num_bits: 8, type: float", "kvscale: {ignore: ['layers\\.3']}");
        Cli.run("inspect", captures, "--model-config", config(layers(4)), "--recipe", ignore)
                .isDone();
    }

    private static Cli inspect(Path path, Path config) {
        return Cli.run("inspect", path, "--model-config", config);
    }

    @Test
    void theRecipeMayNameIt() {
        Capture.of(3, 40, 1).write(work.resolve("in/a.safetensors"));
        Path recipe =
                Folder.recipe(work, "num_bits: 8, type: float", "kvscale: {model_config: '" + config(layers(4)) + "'}");
        Cli.run("calibrate", "--dry-run", "--recipe", recipe, "--input", work.resolve("in"))
                .fails(ExitCode.DATA, "layer 3 is missing");
        Cli.run(
                        "calibrate",
                        "--dry-run",
                        "--recipe",
                        recipe,
                        "--input",
                        work.resolve("in"),
                        "--model-config",
                        config(layers(3)))
                .isDone();
        Path contradiction = Folder.recipe(
                work, "num_bits: 8, type: float", "kvscale: {kv_heads: 4, model_config: '" + config(layers(3)) + "'}");
        Cli.run("calibrate", "--dry-run", "--recipe", contradiction, "--input", work.resolve("in"))
                .fails(ExitCode.DATA, "the recipe says kv_heads: 4, config.json says 2");
        Cli.run("inspect", "--recipe", recipe, work.resolve("in")).fails(ExitCode.DATA, "layer 3 is missing");
        Cli.run("inspect", "--model-config", config(layers(2)), work.resolve("in"))
                .fails(ExitCode.DATA, "config.json says 2 layers");
    }

    @Test
    void aConfigBesideTheCapturesIsNoSkippedFile() {
        Capture.of(3, 40, 1).write(work.resolve("in/a.safetensors"));
        Folder.write(work.resolve("in/config.json"), "{}");
        assertThat(calibrate(config(layers(3))).isDone().err()).doesNotContain("skipped");
        calibrate(work.resolve("in")).fails(ExitCode.DATA, "config.json has no num_attention_heads");
    }

    @Test
    void keysAboutCapturesAreSaidToBeUnusedWithAModel() {
        Path recipe =
                Folder.recipe(work, "num_bits: 8, type: float", "kvscale: {layout: BHSD, kv_heads: 2, mask: none}");
        Path model = Folder.HOME.resolve("conf/tiny-model");
        Cli run = Cli.run(
                "calibrate",
                "--recipe",
                recipe,
                "--model",
                model,
                "--text",
                model.resolve("texts.jsonl"),
                "--output",
                work.resolve("out"));
        assertThat(run.isDone().err()).contains("the recipe sets layout, kv_heads, mask, which is about captures");
        Path latent = Folder.recipe(work, "num_bits: 8, type: float", "kvscale: {mla: true}");
        Cli.run("calibrate", "--recipe", latent, "--model", model, "--text", model.resolve("texts.jsonl"), "--dry-run")
                .fails(ExitCode.USAGE, "mla is true", "kv_lora_rank");
    }

    private static Object[] with(List<Object> words, Object last) {
        List<Object> all = new ArrayList<>(words);
        all.add(last);
        return all.toArray();
    }
}
