package io.kvscale.job.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.Capture;
import io.kvscale.job.Cli;
import io.kvscale.job.Folder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Invalid command lines, recipes and outputs are reported before reading, and no file changes. */
class UsageTest {
    @TempDir
    private Path work;

    private Path input = Path.of("");
    private Path recipe = Path.of("");
    private Path output = Path.of("");

    @BeforeEach
    void makeOneCapture() {
        input = work.resolve("in");
        Capture.of(2, 4, 1).write(input.resolve("a.safetensors"));
        recipe = recipe("kv_cache_scheme: {num_bits: 8, type: float, strategy: tensor, symmetric: true}");
        output = work.resolve("out");
    }

    private Path recipe(String text) {
        return Folder.write(work.resolve("recipe.yaml"), text);
    }

    private Cli calibrate(Object... more) {
        List<Object> words = new ArrayList<>(
                List.of("calibrate", "--recipe", recipe, "--input", input, "--output", output, "--partitions", 1));
        Collections.addAll(words, more);
        return Cli.run(words.toArray());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "calibrat | unknown command 'calibrat'",
                "calibrate | --recipe",
                "calibrate --recipe RECIPE --input IN | --output",
                "calibrate --recipe RECIPE --output OUT | --input",
                "calibrate --recipe RECIPE --input IN --output OUT --partitions many | --partitions",
                "calibrate --recipe RECIPE --input IN --output OUT --partitions -3 | --partitions",
                "calibrate --recipe RECIPE --input IN --output OUT --partitions 0 | --partitions",
                "calibrate --recipe RECIPE --input IN --output OUT --partitions 2147483647 | within 1..100000",
                "calibrate --recipe RECIPE --input IN --output OUT --overwite | --overwrite",
                "calibrate --recipe RECIPE --input IN --ouput OUT | did you mean --output?",
                "calibrate --recipe RECIPE --input IN --output OUT --dry-run=maybe | dry-run",
                "scales --recipe RECIPE --output OUT | --statistics",
                "inspect | PATH",
                "compare RECIPE | B",
            })
    void wrongUsageIsExitCodeTwo(String line, String message) {
        Object[] words = Arrays.stream(line.strip().split(" +"))
                .map(word -> switch (word) {
                    case "RECIPE" -> recipe.toString();
                    case "IN" -> input.toString();
                    case "OUT" -> output.toString();
                    default -> word;
                })
                .toArray();
        Map<String, Boolean> before = Folder.names(work);
        Cli.run(words).fails(ExitCode.USAGE, message.strip());
        assertThat(Folder.names(work)).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"calibrate", "scales", "advise", "inspect", "compare"})
    void everyCommandHasHelp(String command) {
        assertThat(Cli.run(command, "--help").isDone().out()).startsWith("Usage: kvscale " + command);
    }

    @Test
    void aMissingRecipeIsExitCodeTwo() {
        recipe = work.resolve("absent.yaml");
        calibrate().fails(ExitCode.USAGE, "absent.yaml");
        recipe = Path.of("");
        calibrate().fails(ExitCode.USAGE, "recipe");
    }

    @Test
    void aMissingInputListIsNamed() {
        Cli.run("calibrate", "--recipe", recipe, "--input-list", work.resolve("absent.txt"), "--output", output)
                .fails(ExitCode.DATA, "absent.txt");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "kv_cache_scheme: {num_bit: 8, type: float} | num_bits",
                "kv_cache_scheme: {num_bits: 8, type: float, dynamic: true} | dynamic",
                "kv_cache_scheme: {num_bits: 4, type: float, symmetric: false} | symmetric",
                "kv_cache_scheme: {num_bits: 8, type: float, strategy: token} | token",
                "kv_cache_scheme: {num_bits: 8, type: float, strategy: group} | group_size",
                "kv_cache_scheme: {num_bits: 3, type: int} | num_bits",
                "kv_cache_scheme: !!javax.script.ScriptEngineManager [] | YAML tags are refused",
                "kv_cache_scheme: [1, 2 | line",
                "kvscale: {layout: BHSD} | kv_cache_scheme",
                "'' | kv_cache_scheme",
            })
    void anInvalidRecipeIsExitCodeTwoAndNamesTheKey(String text, String message) {
        recipe(text);
        calibrate().fails(ExitCode.USAGE, "recipe.yaml", message.strip());
        assertThat(Folder.names(work)).doesNotContainKey("out");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "kvscale: {hybird: true}",
                "kvscale: {key: {tensors: 'layers[.](?P<layer>\\d+'}}",
                "kvscale: {key: {tensors: 'keys'}}",
                "kvscale: {ignore: ['(((a{1000}){1000}){1000})']}",
                "kvscale: {layout: DSHB}",
                "kvscale: {kv_heads: -1}"
            })
    void anInvalidKvscaleSectionIsExitCodeTwo(String section) {
        recipe("kv_cache_scheme: {num_bits: 8, type: float, strategy: tensor}\n" + section);
        calibrate().fails(ExitCode.USAGE, "recipe.yaml", "kvscale");
    }

    @Test
    void aYamlBombIsExitCodeTwo() {
        StringBuilder bomb = new StringBuilder("a0: &a0 [x, x]\n");
        for (int i = 1; i < 60; i++) {
            bomb.append("a")
                    .append(i)
                    .append(": &a")
                    .append(i)
                    .append(" [*a")
                    .append(i - 1)
                    .append(", *a")
                    .append(i - 1)
                    .append("]\n");
        }
        recipe(bomb.toString());
        calibrate().fails(ExitCode.USAGE, "recipe.yaml");
    }

    @Test
    void aRegexThatBacktracksInOtherEnginesEndsSoon() {
        recipe("kv_cache_scheme: {num_bits: 8, type: float, strategy: tensor}\n"
                + "kvscale: {ignore: ['(a|a)*(a|a)*(a+)+$'], key: {tensors: '(l|l)*(?P<layer>\\d+).keys'}}");
        calibrate().isDone();
    }

    @Test
    void anExistingOutputIsUnchanged() {
        calibrate().isDone();
        var before = Folder.content(output);
        Folder.write(output.resolve("run.json"), "kept");
        calibrate().fails(ExitCode.OUTPUT, output.toString(), "--overwrite");
        assertThat(Folder.content(output)).isEqualTo(before);
        assertThat(Folder.text(output.resolve("run.json"))).isEqualTo("kept");
        assertThat(Folder.names(work)).hasSize(3);
    }

    @Test
    void overwriteReplacesAnOldResult() {
        calibrate().isDone();
        Capture.of(2, 4, 9).write(input.resolve("b.safetensors"));
        Folder.write(output.resolve("evaluation.json"), "old");
        calibrate("--overwrite").isDone();
        assertThat(Folder.scales(output).corpus().files()).isEqualTo(2);
        assertThat(Folder.content(output)).doesNotContainKey("evaluation.json");
        assertThat(Folder.names(work)).hasSize(3);
    }

    @Test
    void aFailureKeepsTheResultThatItWouldOverwrite() {
        calibrate().isDone();
        var before = Folder.content(output);
        Folder.write(input.resolve("b.safetensors"), "not a capture");
        calibrate("--overwrite").fails(ExitCode.DATA, "b.safetensors");
        assertThat(Folder.content(output)).isEqualTo(before);
        assertThat(Folder.names(work)).hasSize(3);
    }

    @Test
    void overwriteDoesNotReplaceOtherFolders() {
        Folder.write(output.resolve("thesis.tex"), "years of work");
        calibrate("--overwrite").fails(ExitCode.OUTPUT, output.toString(), "--output");
        assertThat(Folder.text(output.resolve("thesis.tex"))).isEqualTo("years of work");
        output = work.resolve("paper");
        Folder.write(output.resolve("report.html"), "my report");
        Folder.write(output.resolve("vllm/config.json"), "{}");
        calibrate("--overwrite").fails(ExitCode.OUTPUT, "holds files other than kvscale results: report.html");
        assertThat(Folder.text(output.resolve("report.html"))).isEqualTo("my report");
        Path file = Folder.write(work.resolve("file"), "a file");
        output = file;
        calibrate("--overwrite").fails(ExitCode.OUTPUT, file.toString(), "--output");
        assertThat(Folder.text(file)).isEqualTo("a file");
    }

    @ParameterizedTest
    @ValueSource(strings = {"in", "in/out", "."})
    void anOutputThatOverlapsTheInputIsRefused(String path) {
        output = work.resolve(path).normalize();
        var before = Folder.content(work);
        calibrate("--overwrite").fails(ExitCode.OUTPUT, "--output");
        assertThat(Folder.content(work)).isEqualTo(before);
        assertThat(Folder.names(work)).hasSize(2);
        assertThat(Folder.names(input)).hasSize(1);
    }

    @Test
    void anOutputThatCannotBeWrittenIsExitCodeFour() {
        Folder.write(work.resolve("file"), "a file");
        output = work.resolve("file/out");
        calibrate().fails(ExitCode.OUTPUT, "file/out", "--output");
        Cli.run("calibrate", "--recipe", recipe, "--input", input, "--output", "nowhere://host/out")
                .fails(ExitCode.OUTPUT, "nowhere://host/out", "--output");
        assertThat(Folder.names(work)).containsOnlyKeys("in", "recipe.yaml", "file");
    }

    @Test
    void foldersCreatedForAFailedOutputAreRemoved() {
        Folder.write(input.resolve("b.safetensors"), "not a capture");
        output = work.resolve("new/folders/out");
        calibrate().fails(ExitCode.DATA, "b.safetensors");
        assertThat(Folder.names(work)).containsOnlyKeys("in", "recipe.yaml");
        Path existing = work.resolve("there");
        Folder.write(existing.resolve("x"), "x");
        output = existing.resolve("new/out");
        calibrate().fails(ExitCode.DATA, "b.safetensors");
        assertThat(Folder.names(existing)).containsOnlyKeys("x");
    }

    @Test
    void scalesRefusesStatisticsThatTheObserverCannotUse() {
        calibrate().isDone();
        Path statistics = output.resolve("statistics.kvstats");
        recipe("kv_cache_scheme: {num_bits: 8, type: float, strategy: tensor, observer: minmax}");
        Path derived = work.resolve("derived");
        Cli.run("scales", "--statistics", statistics, "--recipe", recipe, "--output", derived)
                .fails(ExitCode.DATA, "layer 0 key", "observer", "calibrate");
        assertThat(Folder.names(work)).containsOnlyKeys("in", "recipe.yaml", "out");
    }

    @Test
    void damagedStatisticsAreRefused() {
        calibrate().isDone();
        Path statistics = output.resolve("statistics.kvstats");
        byte[] bytes = Folder.bytes(statistics);
        bytes[bytes.length / 2] ^= 1;
        Path damaged = Capture.put(work.resolve("damaged.kvstats"), bytes);
        Path derived = work.resolve("derived");
        Cli.run("scales", "--statistics", damaged, "--recipe", recipe, "--output", derived)
                .fails(ExitCode.DATA, "damaged.kvstats", "checksum");
        Cli.run("scales", "--statistics", work.resolve("absent"), "--recipe", recipe, "--output", derived)
                .fails(ExitCode.DATA, "absent");
        Cli.run("scales", "--statistics", statistics, "--recipe", recipe, "--output", output)
                .fails(ExitCode.OUTPUT, output.toString(), "--overwrite");
        Cli.run("compare", statistics, output).fails(ExitCode.USAGE, "compare");
        Cli.run("inspect", damaged).fails(ExitCode.DATA, "damaged.kvstats");
        assertThat(Folder.names(work)).containsOnlyKeys("in", "recipe.yaml", "out", "damaged.kvstats");
    }

    @Test
    void debugShowsWhereAFailureComesFrom() {
        output = work.resolve("in");
        assertThat(calibrate("--debug").err()).contains("\tat io.kvscale.job");
    }
}
