package io.kvscale.job.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.Capture;
import io.kvscale.job.Cli;
import io.kvscale.job.Folder;
import io.kvscale.job.report.DriftReport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command line of {@code kvscale drift}: paths, exit codes, JSON and table. */
class DriftCommandTest {
    private static final String FP8 = "num_bits: 8, type: float, strategy: tensor, symmetric: true";

    @TempDir
    private static Path shared;

    private static Path old = Path.of("");
    private static Path now = Path.of("");
    private static Path ranges = Path.of("");

    @TempDir
    private Path work;

    /** V of layer 1 is four times as large in the newer data. */
    @BeforeAll
    static void calibrateOnce() {
        Capture.of(2, 40, 1).write(shared.resolve("old-in/a.safetensors"));
        Capture.of(1, 50, 7)
                .key(1, 50, 8)
                .add(
                        "layers.1.values",
                        "BF16",
                        List.of(1L, 2L, 50L, 32L),
                        i -> 4 * Capture.random(9).applyAsDouble(i))
                .write(shared.resolve("now-in/a.safetensors"));
        old = calibrate("old", "old-in", "histogram");
        now = calibrate("now", "now-in", "histogram");
        ranges = calibrate("ranges", "now-in", "range");
    }

    @Test
    void aReportShowsTheSameAsTheJson() {
        Path page = work.resolve("pages/drift.html");
        Cli done = drift(old, now, "--fail-saturated", "0", "--report", page);
        assertThat(done.code()).as(done.err()).isEqualTo(ExitCode.DRIFTED);
        assertThat(done.out()).endsWith("wrote " + page + "\n");
        JsonNode shown = reported(page);
        assertThat(shown)
                .isEqualTo(Folder.json(
                        drift(old, now, "--fail-saturated", "0", "--json").out()));
        assertThat(Folder.text(page)).startsWith(DriftReport.START);
        drift(old, now, "--fail-saturated", "0", "--report", page);
        Path mine = Folder.write(work.resolve("mine.html"), "<!DOCTYPE html>\n<html>mine</html>");
        drift(old, now, "--report", mine).fails(ExitCode.OUTPUT, "mine.html", "--report");
        assertThat(mine).hasContent("<!DOCTYPE html>\n<html>mine</html>");
    }

    private static JsonNode reported(Path page) {
        String text = Folder.text(page);
        int from = text.indexOf("id=\"data\">") + 10;
        return Folder.json(text.substring(from, text.indexOf("</script>", from)))
                .get("drift");
    }

    private static Path calibrate(String name, String input, String statistics) {
        Path output = shared.resolve(name);
        Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.recipe(shared, FP8, "kvscale: {statistics: " + statistics + "}"),
                        "--input",
                        shared.resolve(input),
                        "--output",
                        output,
                        "--quiet")
                .isDone();
        return output;
    }

    private static Cli drift(Path from, Path to, Object... more) {
        List<Object> words = new ArrayList<>(List.of("drift", "--from", from, "--to", to));
        Collections.addAll(words, more);
        return Cli.run(words.toArray());
    }

    @Test
    void withoutLimitsItIsDone() {
        Cli done = drift(old, now).isDone();
        assertThat(done.err()).isEmpty();
        List<String> lines = done.out().lines().toList();
        assertThat(lines).hasSize(3 + 1 + 4 + 1);
        assertThat(lines.get(3)).startsWith("layer  role   clipped_before_%  clipped_%  reach");
        assertThat(lines.get(4)).startsWith("    1  value                 0");
        assertThat(lines.get(8))
                .startsWith("Deployed scales clip ")
                .contains("layer 1 V")
                .doesNotContain("rifted");
    }

    @ParameterizedTest
    @CsvSource({
        "--fail-saturated, 0.1, 11",
        "--fail-saturated, 0.99, 0",
        "--fail-sqnr-loss, 1, 11",
        "--fail-sqnr-loss, 100, 0"
    })
    void aLimitThatIsExceededIsExitCodeEleven(String option, String limit, int code) {
        Cli found = drift(old, now, option, limit);
        assertThat(found.code()).isEqualTo(code);
        assertThat(found.err()).isEmpty();
        assertThat(found.out())
                .contains(
                        code == ExitCode.DRIFTED
                                ? " Drifted: 1 of 4 slots exceeds a limit: layer 1 value ("
                                : " Not drifted: no slot exceeds a limit.");
        assertThat(found.out().lines().filter(line -> line.endsWith("  " + option)))
                .hasSize(code == ExitCode.DRIFTED ? 1 : 0);
    }

    @Test
    void jsonNamesTheSlotsAndHasFiniteNumbers() {
        Cli found = drift(old, now, "--fail-saturated", "0.01", "--fail-sqnr-loss", "2", "--json");
        assertThat(found.code()).isEqualTo(ExitCode.DRIFTED);
        assertThat(found.out()).doesNotContain("NaN", "Infinity");
        JsonNode json = Folder.json(found.out());
        assertThat(json.get("from").textValue()).isEqualTo(old.toString());
        assertThat(json.get("to").textValue()).isEqualTo(now.toString());
        assertThat(json.get("scales_sha256").textValue())
                .isEqualTo(Folder.scales(old).sha256());
        assertThat(json.get("limits")).hasToString("{\"saturated\":0.01,\"sqnr_loss_db\":2.0}");
        assertThat(json.get("drifted").booleanValue()).isTrue();
        assertThat(json.get("exceeding"))
                .hasToString("[{\"layer\":1,\"role\":\"value\",\"saturated\":true,\"sqnr_loss\":true}]");
        assertThat(json.get("worst_first")).hasSize(4);
        assertThat(json.get("worst_first").get(0)).hasToString("{\"layer\":1,\"role\":\"value\"}");
        JsonNode value = json.get("layers").get(1).get("value");
        assertThat(value.get("clipped_share").get("from").doubleValue()).isZero();
        assertThat(value.get("clipped_share").get("to").doubleValue()).isBetween(0.1, 0.9);
        assertThat(value.get("tokens")).hasToString("{\"from\":40,\"to\":50}");
        assertThat(value.get("absmax").get("change").doubleValue()).isBetween(2.0, 7.0);
        assertThat(value.get("p99.9").get("change").doubleValue()).isBetween(2.0, 7.0);
        assertThat(value.get("loss_db").doubleValue())
                .isEqualTo(value.get("fitted_sqnr_db").doubleValue()
                        - value.get("sqnr_db").doubleValue());
        assertThat(value.get("ks_distance").doubleValue()).isBetween(0.1, 0.9);
        assertThat(drift(old, now, "--fail-saturated", "0.01", "--fail-sqnr-loss", "2", "--json")
                        .out())
                .isEqualTo(found.out());
        Path saved = Folder.write(work.resolve("drift.json"), found.out());
        assertThat(Cli.run("inspect", saved).isDone().out()).contains("drift");
    }

    @Test
    void equalStatisticsExceedNoLimit() {
        drift(now, now, "--fail-saturated", "0", "--fail-sqnr-loss", "0").isDone();
        drift(ranges, ranges, "--fail-saturated", "0").isDone();
    }

    @Test
    void statisticsAreNamedByFileOrFolder() {
        String expected = drift(old, now, "--json").isDone().out();
        Path statistics = old.resolve("statistics.kvstats");
        assertThat(drift(
                                statistics,
                                now.resolve("statistics.kvstats"),
                                "--scales",
                                old.resolve("kv_scales.json"),
                                "--json")
                        .isDone()
                        .out()
                        .lines()
                        .skip(4))
                .isEqualTo(expected.lines().skip(4).toList());
        // The scales of the newer data fit it.
        drift(statistics, now, "--scales", now, "--fail-saturated", "0", "--fail-sqnr-loss", "0")
                .isDone();
    }

    @Test
    void scalesThatAreNotThereAreNamedWithTheRemedy() throws Exception {
        Path alone = work.resolve("alone/statistics.kvstats");
        Files.createDirectories(alone.getParent());
        Files.copy(old.resolve("statistics.kvstats"), alone);
        drift(alone, now).fails(ExitCode.DATA, "no scales beside", "alone/kv_scales.json", "--scales");
        drift(alone.getParent(), now).fails(ExitCode.DATA, "no scales beside", "--scales");
        drift(alone, now, "--scales", old).isDone();
        drift(old, now, "--scales", alone.getParent()).fails(ExitCode.DATA, "no scale table", "alone");
    }

    @Test
    void rangesHaveQuestionMarksAndNull() {
        Cli found = drift(old, ranges).isDone();
        assertThat(found.out().lines().toList().get(4)).matches(" +1  value +0  +\\? .* \\? .*");
        assertThat(found.out()).contains("clip an unknown share in ", "what they lose in dB is not known");
        JsonNode value = Folder.json(drift(old, ranges, "--json").isDone().out())
                .get("layers")
                .get(1)
                .get("value");
        assertThat(value.get("clipped_share").get("to").isNull()).isTrue();
        assertThat(value.get("reach").get("to").doubleValue()).isBetween(3.0, 8.0);
        for (String unknown :
                List.of("sqnr_db", "fitted_sqnr_db", "loss_db", "p99", "p99.9", "p99.99", "ks_distance")) {
            assertThat(value.get(unknown).isNull()).as(unknown).isTrue();
        }
        drift(old, ranges, "--fail-sqnr-loss", "1")
                .fails(ExitCode.DATA, "--fail-sqnr-loss", "ranges/statistics.kvstats", "statistics: histogram");
        drift(old, ranges, "--fail-saturated", "0.5")
                .fails(ExitCode.DATA, "--fail-saturated", "layer 1 value", "statistics: histogram");
        assertThat(drift(old, ranges, "--fail-saturated", "0").code()).isEqualTo(ExitCode.DRIFTED);
    }

    @Test
    void damagedAndForeignFilesAreRefused() {
        byte[] bytes = Folder.bytes(old.resolve("statistics.kvstats"));
        bytes[bytes.length / 2] ^= 1;
        Path damaged = Capture.put(work.resolve("damaged.kvstats"), bytes);
        drift(damaged, now, "--scales", old).fails(ExitCode.DATA, "damaged.kvstats", "checksum");
        drift(old, damaged).fails(ExitCode.DATA, "damaged.kvstats", "checksum");
        drift(old, Capture.put(work.resolve("empty.kvstats"), new byte[0])).fails(ExitCode.DATA, "empty.kvstats");
        drift(old, work.resolve("absent")).fails(ExitCode.DATA, "absent");
        drift(old, now.resolve("kv_scales.json")).fails(ExitCode.DATA, "this is JSON", "statistics.kvstats");
        drift(old, shared.resolve("now-in")).fails(ExitCode.DATA, "now-in/statistics.kvstats");
        Path edited = Folder.write(work.resolve("kv_scales.json"), "{\"format\": \"kvscale-scales\"}");
        drift(old, now, "--scales", edited).fails(ExitCode.DATA, "kv_scales.json", "version");
        drift(old, now, "--scales", old.resolve("statistics.kvstats")).fails(ExitCode.DATA, "no scale table");
    }

    @Test
    void editedScalesAreUsedWithAWarning() {
        String text = Folder.text(old.resolve("kv_scales.json"))
                .replaceAll("\"scale\" : \\[ [^\\]]*\\]", "\"scale\" : [ 1.0 ]");
        Path edited = Folder.write(work.resolve("kv_scales.json"), text);
        Cli found = drift(old, now, "--scales", edited, "--fail-saturated", "0").isDone();
        assertThat(found.err()).contains("warning: ", "kv_scales.json");
    }

    @Test
    void anotherModelIsRefusedByName() {
        Capture.of(3, 40, 1).write(work.resolve("in/a.safetensors"));
        Path deeper = work.resolve("deeper");
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", work.resolve("in"), "--output", deeper, "--quiet")
                .isDone();
        drift(old, deeper).fails(ExitCode.DATA, "old/statistics.kvstats", "layer 2 key");
        drift(deeper, old).fails(ExitCode.DATA, "old/statistics.kvstats", "layer 2 key");
        drift(old, now, "--scales", deeper).fails(ExitCode.DATA, "layer 2 key", "--scales");
        Cli partial = drift(deeper, deeper, "--scales", old).isDone();
        assertThat(partial.err()).contains("2 slots are not compared", "no scales", "the first is layer 2 key");
    }

    @ParameterizedTest
    @CsvSource({
        "--fail-saturated, 1.5, from 0 to 1",
        "--fail-saturated, -0.1, from 0 to 1",
        "--fail-saturated, NaN, not a decimal number",
        "--fail-sqnr-loss, -1, at least 0",
        "--fail-sqnr-loss, 1e9, not a decimal number"
    })
    void wrongLimitsAreExitCodeTwo(String option, String value, String message) {
        drift(old, now, option, value).fails(ExitCode.USAGE, option, message);
    }

    @Test
    void bothStatisticsAreRequired() {
        Cli.run("drift", "--from", old).fails(ExitCode.USAGE, "--to");
        Cli.run("drift", "--to", old).fails(ExitCode.USAGE, "--from");
    }
}
