package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.command.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.commons.codec.digest.DigestUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts that are chosen by stratum, and statistics of each stratum, with the shipped tiny model. */
class StrataTest {
    private static final Path MODEL = Folder.HOME.resolve("conf/tiny-model");
    private static final List<String> DOMAINS = List.of("prose", "../../x", "PROSE", "code");

    @TempDir
    private Path work;

    private Path recipe(String name, String more) {
        return Folder.write(
                work.resolve(name + ".yaml"), "kv_cache_scheme: {num_bits: 8, type: float}\nkvscale: {" + more + "}\n");
    }

    private static String line(int i, String domain) {
        return "{\"text\": \"" + (i + " some words ").repeat(1 + i % 7) + "\", \"domain\": \"" + domain + "\"}\n";
    }

    /** Forty texts of four domains. */
    private Path texts() {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 40; i++) {
            lines.append(line(i, DOMAINS.get(i % 4)));
        }
        return Folder.write(work.resolve("texts.jsonl"), lines.toString());
    }

    private Cli calibrate(Path recipe, Path texts, String output, Object... more) {
        List<Object> words = new ArrayList<>(List.of(
                "calibrate", "--recipe", recipe, "--model", MODEL, "--text", texts, "--output", work.resolve(output)));
        Collections.addAll(words, more);
        return Cli.run(words.toArray());
    }

    /** The path of the statistics of each stratum, by the manifest. */
    private Map<String, Path> strata(String output) {
        JsonNode manifest = Folder.json(work.resolve(output).resolve("strata/strata.json"));
        assertThat(Folder.json(work.resolve(output).resolve("run.json")).get("strata"))
                .isEqualTo(manifest);
        Map<String, Path> files = new HashMap<>();
        for (JsonNode stratum : manifest.get("strata")) {
            Path file = work.resolve(output).resolve(stratum.get("statistics").asText());
            assertThat(stratum.get("statistics_sha256").asText()).isEqualTo(DigestUtils.sha256Hex(Folder.bytes(file)));
            files.put(stratum.get("value").asText(), file);
        }
        return files;
    }

    private static SortedMap<String, String> withoutStrata(SortedMap<String, String> content) {
        content.keySet().removeIf(name -> name.startsWith("strata/"));
        return content;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "statistics: histogram",
                "num_calibration_samples: 30, long_texts: windows, max_seq_length: 16",
                "feedback: fake_quantize, chunk_tokens: 16"
            })
    void theStatisticsOfStrataMergeToThoseOfOnePass(String fields) {
        calibrate(recipe("plain", fields), texts(), "plain").isDone();
        Path apart = recipe("apart", fields + ", statistics_by: domain");
        calibrate(apart, texts(), "one", "--partitions", 3).isDone();
        assertThat(withoutStrata(Folder.content(work.resolve("one")))).isEqualTo(Folder.content(work.resolve("plain")));

        Map<String, Path> strata = strata("one");
        assertThat(strata.keySet()).containsExactlyInAnyOrderElementsOf(DOMAINS);
        List<Object> merge = new ArrayList<>(List.of("merge", "--output", work.resolve("merged.kvstats")));
        merge.addAll(strata.values());
        Cli.run(merge.toArray()).isDone();
        assertThat(work.resolve("merged.kvstats")).hasSameBinaryContentAs(work.resolve("plain/statistics.kvstats"));
        // Folders of file systems that ignore case hold all strata.
        assertThat(strata.values().stream()
                        .map(file -> file.toString().toLowerCase(java.util.Locale.ROOT))
                        .distinct())
                .hasSize(4);
        assertThat(strata.get("../../x").getParent().getParent()).isEqualTo(work.resolve("one/strata"));
    }

    @Test
    void aStratumIsThatOfACalibrationOfItsTextsAlone() {
        Path apart = recipe("apart", "statistics_by: domain, statistics: histogram");
        calibrate(apart, texts(), "all").isDone();
        Path code = strata("all").get("code");
        Cli.run(
                        "drift",
                        "--scales",
                        work.resolve("all"),
                        "--from",
                        code.getParent(),
                        "--to",
                        strata("all").get("prose"))
                .isDone();
        Cli.run("scales", "--recipe", apart, "--statistics", code, "--output", work.resolve("code"))
                .isDone();
        assertThat(Folder.scales(work.resolve("code")).corpus().samples()).isEqualTo(10);
        assertThat(Cli.run("inspect", "--json", work.resolve("all/strata/strata.json"), code)
                        .isDone()
                        .out())
                .contains("\"strata\"", "\"statistics\"", "../../x");
    }

    @Test
    void theTextsOfEachStratumAreChosenByContent() throws IOException {
        Path each =
                recipe("each", "sample_by: domain, samples_per_stratum: {code: 4, prose: 20}, statistics_by: domain");
        Cli done = calibrate(each, texts(), "one", "--partitions", 1).isDone();
        assertThat(done.err())
                .contains(
                        "1 of 4 values of domain have fewer texts than samples_per_stratum asks for: prose (10 of 20)")
                .contains("does not name these values of domain, whose texts are left out: ../../x (10), PROSE (10)");
        List<String> lines = new ArrayList<>(Files.readAllLines(texts()));
        Collections.reverse(lines);
        Path other = Folder.write(work.resolve("other.jsonl"), String.join("\n", lines));
        calibrate(each, other, "other", "--partitions", 5).isDone();
        assertThat(Folder.json(work.resolve("one/kv_scales.json")).get("layers").findValuesAsText("max"))
                .isEqualTo(Folder.json(work.resolve("other/kv_scales.json"))
                        .get("layers")
                        .findValuesAsText("max"));
        // The first of each stratum by the hash that chooses without strata.
        Path some = recipe("some", "num_calibration_samples: 4, statistics_by: domain");
        List<String> code = Files.readAllLines(texts()).stream()
                .filter(line -> line.contains("code"))
                .toList();
        calibrate(some, Folder.write(work.resolve("code.jsonl"), String.join("\n", code)), "code")
                .isDone();
        assertThat(Folder.json(work.resolve("code/kv_scales.json")).at("/corpus/tokens"))
                .isEqualTo(Folder.json(work.resolve("one/strata/strata.json")).at("/strata/0/tokens"));

        Cli dry = Cli.run("calibrate", "--recipe", each, "--model", MODEL, "--text", texts(), "--dry-run")
                .isDone();
        assertThat(dry.out())
                .contains("strata     code (4), prose (10)", "statistics code (4), prose (10)")
                .containsPattern("samples +14\n");
        calibrate(recipe("all", "sample_by: domain, samples_per_stratum: 3"), texts(), "all")
                .isDone();
        assertThat(Folder.scales(work.resolve("all")).corpus().samples()).isEqualTo(12);
        assertThat(work.resolve("all/strata")).doesNotExist();
    }

    @Test
    void aStratumWithoutTextsIsAnError() {
        Path recipe = recipe("typo", "sample_by: domain, samples_per_stratum: {Code: 4, cod: 3, prose: 1}");
        calibrate(recipe, texts(), "out")
                .fails(
                        ExitCode.DATA,
                        "samples_per_stratum asks for 4 texts of Code and 1 more, but ",
                        "texts.jsonl has none. Texts by domain: ../../x (10), PROSE (10), code (10), prose (10)",
                        "compares letter by letter");
        assertThat(work.resolve("out")).doesNotExist();
    }

    @Test
    void aRecordWithoutAStratumIsNamedOrSkipped() {
        String record = "{\"text\": \"t\", \"domain\": null}\n";
        Path texts = Folder.write(work.resolve("t.jsonl"), line(1, "a") + record + line(2, "b"));
        String by = "sample_by: domain, samples_per_stratum: 2";
        calibrate(recipe("strict", by), texts, "out")
                .fails(
                        ExitCode.DATA,
                        "the field domain, which sample_by names, is null",
                        "t.jsonl, line 2",
                        "max_bad_records");
        assertThat(calibrate(recipe("lenient", by + ", max_bad_records: 1"), texts, "out")
                        .isDone()
                        .err())
                .contains("1 of 3 records is bad");
    }

    @Test
    void plainTextsHaveNoStrata() {
        Path text = Folder.write(work.resolve("a.txt"), "some words");
        calibrate(recipe("by", "statistics_by: domain"), text, "out")
                .fails(ExitCode.DATA, "a plain text has no field domain, which statistics_by names", "a.txt", ".jsonl");
    }

    @Test
    void aFieldWithManyValuesIsRefused() {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 1_001; i++) {
            lines.append("{\"text\": \"t\", \"domain\": \"id-").append(i).append("\"}\n");
        }
        Path texts = Folder.write(work.resolve("many.jsonl"), lines.toString());
        for (int partitions : new int[] {1, 4}) {
            calibrate(recipe("by", "statistics_by: domain"), texts, "out", "--partitions", partitions)
                    .fails(
                            ExitCode.DATA,
                            "the field domain, which statistics_by names, has more than 1000 values in ",
                            "such as id-0 and id-999",
                            "few values");
        }
    }

    @Test
    void resultsWithStrataAreReplacedAndForeignFilesAreNot() throws IOException {
        Path apart = recipe("apart", "statistics_by: domain");
        calibrate(recipe("plain", ""), texts(), "out").isDone();
        calibrate(apart, texts(), "out", "--overwrite").isDone();
        calibrate(apart, texts(), "out", "--overwrite").isDone();
        Path mine = Folder.write(work.resolve("out/strata/code/notes.txt"), "mine");
        calibrate(apart, texts(), "out", "--overwrite")
                .fails(ExitCode.OUTPUT, "holds files other than kvscale results: strata/code/notes.txt");
        assertThat(mine).exists();
        // Nothing is left beside the output.
        try (Stream<Path> beside = Files.list(work)) {
            assertThat(new TreeSet<>(
                            beside.map(path -> path.getFileName().toString()).toList()))
                    .containsExactly("apart.yaml", "out", "plain.yaml", "texts.jsonl");
        }
    }

    @Test
    void curvesStrataAndStatesOfTextsAreNotCombined() {
        Path apart = recipe("apart", "statistics_by: domain");
        Path sampled = recipe("sampled", "sample_by: domain, samples_per_stratum: 2");
        calibrate(apart, texts(), "one", "--convergence").fails(ExitCode.USAGE, "statistics_by");
        calibrate(apart, texts(), "one", "--stop-when-stable").fails(ExitCode.USAGE, "statistics_by");
        calibrate(sampled, texts(), "one", "--stop-when-stable").fails(ExitCode.USAGE, "sample_by");
        Path state = work.resolve("state");
        calibrate(apart, texts(), "one", "--state", state).fails(ExitCode.USAGE, "statistics_by");
        calibrate(sampled, texts(), "one", "--state", state, "--convergence").fails(ExitCode.USAGE, "--convergence");
        calibrate(sampled, texts(), "one", "--state", state, "--stop-when-stable")
                .fails(ExitCode.USAGE, "--stop-when-stable");
        calibrate(sampled, texts(), "one", "--convergence").isDone();
    }
}
