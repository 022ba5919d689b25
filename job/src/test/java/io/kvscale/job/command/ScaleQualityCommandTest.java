package io.kvscale.job.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.Cli;
import io.kvscale.job.Folder;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Scales that clip or have a large error, on the commands that write scales. */
class ScaleQualityCommandTest {
    private static final String FP8 = "num_bits: 8, type: float, strategy: tensor";
    private static final String CLIPPED = ", observer: percentile, observer_kwargs: {percentile: ";

    @TempDir
    private static Path work;

    @BeforeAll
    static void calibrate() {
        calibrate("counted", Folder.recipe(work, FP8, "kvscale: {statistics: histogram}"))
                .isDone();
    }

    private static Cli calibrate(String name, Path recipe) {
        return Cli.run(
                "calibrate",
                "--recipe",
                recipe,
                "--input",
                Folder.SAMPLE,
                "--output",
                work.resolve(name),
                "--overwrite");
    }

    private static Cli scales(Path recipe) {
        return Cli.run(
                "scales",
                "--statistics",
                work.resolve("counted/statistics.kvstats"),
                "--recipe",
                recipe,
                "--output",
                work.resolve("scales"),
                "--report",
                "--overwrite");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "fp8",
                "fp8_attn_head",
                "fp8_mse",
                "fp8_text",
                "int4_group",
                "int8_channel",
                "llm_compressor_example",
                "mixed_layers",
                "nvfp4"
            })
    void noShippedRecipeIsRefusedOrWarnsOfItsScales(String recipe) {
        assertThat(scales(Folder.HOME.resolve("conf/recipes/" + recipe + ".yaml"))
                        .isDone()
                        .err())
                .doesNotContain("clipped values", "large errors");
    }

    @Test
    void scalesThatClipManyValuesAreRefused() {
        String[] parts = {
            "the scales clip ",
            "% are allowed: SQNR ",
            "observer percentile {percentile=90.0}; 60 of 60 slots are above the limit",
            "layer ",
            "max_saturated"
        };
        scales(Folder.recipe(work, FP8 + CLIPPED + "90}")).fails(ExitCode.DATA, parts);
        calibrate("refused", Folder.recipe(work, FP8 + CLIPPED + "90}")).fails(ExitCode.DATA, parts);
        assertThat(work.resolve("refused")).doesNotExist();
        scales(Folder.recipe(work, FP8 + CLIPPED + "90}", "kvscale: {max_saturated: 9.5}"))
                .fails(ExitCode.DATA, "9.5 % are allowed");
        scales(Folder.recipe(work, FP8 + CLIPPED + "90}", "kvscale: {max_saturated: 10}"))
                .isDone();
    }

    @Test
    void theReportSaysFirstThatValuesAreClipped() {
        Cli done = scales(Folder.recipe(work, FP8 + CLIPPED + "99.5}")).isDone();
        assertThat(done.err()).contains("warning: clipped values: in 60 of 60 slots");
        JsonNode first = findings().get(0);
        assertThat(first.get("grave").asBoolean()).isTrue();
        assertThat(first.get("text").asText()).startsWith("clipped values: in 60 of 60 slots");
    }

    @Test
    void fourBitsWithoutClippingHaveALargeError() {
        Cli done = scales(Folder.recipe(work, "num_bits: 4, type: int, strategy: tensor"))
                .isDone();
        assertThat(done.err())
                .contains("warning: large errors: in ", " slots the SQNR is below 10 dB; the lowest in layer ")
                .doesNotContain("clipped values");
        assertThat(scales(Folder.recipe(work, "num_bits: 4, type: int, strategy: tensor, observer: mse"))
                        .isDone()
                        .err())
                .doesNotContain("clipped values", "large errors");
    }

    /** The default statistics are ranges; a run with histograms says the same. */
    @ParameterizedTest
    @ValueSource(strings = {"minmax", "memoryless_minmax"})
    void clippedValuesAreCountedInASecondPass(String observer) {
        String scheme = FP8 + ", observer: " + observer;
        String limit = "kvscale: {max_saturated: 100";
        Cli ranges = calibrate("once", Folder.recipe(work, scheme, limit + "}")).isDone();
        Cli counts = calibrate("again", Folder.recipe(work, scheme, limit + ", statistics: histogram}"))
                .isDone();
        assertThat(clipped(ranges)).isNotEmpty().isEqualTo(clipped(counts));
        assertThat(Folder.text(work.resolve("once/kv_scales.json"))).doesNotContain("sqnr");
        calibrate("none", Folder.recipe(work, scheme, "kvscale: {max_saturated: 0}"))
                .fails(ExitCode.DATA, "the scales clip ", "SQNR ", "0 % are allowed");
    }

    private static List<String> clipped(Cli run) {
        return run.err().lines().filter(line -> line.contains("clipped values")).toList();
    }

    @Test
    void theReportShowsWholeWarnings() {
        scales(Folder.recipe(work, FP8 + CLIPPED + "99.5}")).isDone();
        assertThat(findings().get(0).get("text").asText()).endsWith("only where that makes the error smaller");
    }

    @ParameterizedTest
    @ValueSource(strings = {"101", "'5 %'", "-0.1", "'1'", ".nan", "[1]"})
    void theLimitIsAPercentage(String limit) {
        scales(Folder.recipe(work, FP8, "kvscale: {max_saturated: " + limit + "}"))
                .fails(
                        ExitCode.USAGE,
                        "max_saturated must be a number from 0 to 100",
                        "write a number from 0 to 100, without quotes or a unit");
    }

    private static JsonNode findings() {
        String page = Folder.text(work.resolve("scales/report.html"));
        Matcher data = Pattern.compile("<script type=\"application/json\"[^>]*>(.*?)</script>", Pattern.DOTALL)
                .matcher(page);
        assertThat(data.find()).isTrue();
        return Folder.json(data.group(1)).get("findings");
    }
}
