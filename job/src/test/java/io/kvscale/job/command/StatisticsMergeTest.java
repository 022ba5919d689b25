package io.kvscale.job.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.Capture;
import io.kvscale.job.Cli;
import io.kvscale.job.Folder;
import io.kvscale.job.SharedSpark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code merge}: statistics of several corpora as one file. */
class StatisticsMergeTest {
    private static final String FP8 = "num_bits: 8, type: float";

    @TempDir
    private Path work;

    private Path merged() {
        return work.resolve("merged.kvstats");
    }

    /** Calibrates captures. @return the statistics file */
    private Path statistics(String name, Path input, String scheme, String kind) {
        Path recipe = Folder.recipe(work, scheme, "kvscale: {hybrid: true, statistics: " + kind + "}");
        Cli.run("calibrate", "--recipe", recipe, "--input", input, "--output", work.resolve(name), "--quiet")
                .isDone();
        return work.resolve(name).resolve("statistics.kvstats");
    }

    private Path capture(String name, int layers, int tokens, long seed) {
        return Capture.of(layers, tokens, seed).write(work.resolve(name));
    }

    private Cli merge(Object... words) {
        List<Object> all = new ArrayList<>(List.of("merge"));
        all.addAll(Arrays.asList(words));
        all.add("--output");
        all.add(merged());
        return Cli.run(all.toArray());
    }

    @ParameterizedTest
    @ValueSource(strings = {"range", "histogram"})
    void theFileIsThatOfOnePassAndOfTheSqlAggregate(String kind) throws IOException {
        List<Path> files = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            files.add(statistics("out" + i, capture("in/" + i + ".safetensors", 3, 10 + i, i), FP8, kind));
        }
        Cli done = merge(files.get(2), files.get(0), files.get(1)).isDone();
        assertThat(done.out())
                .isEqualTo("merged 3 files: 6 slots, 3 samples, 33 tokens\nwrote " + merged() + "\nwrote " + merged()
                        + ".sources.json\n");
        assertThat(done.err()).isEmpty();
        byte[] bytes = Folder.bytes(merged());
        assertThat(bytes).isEqualTo(Folder.bytes(statistics("all", work.resolve("in"), FP8, kind)));
        assertThat(bytes).isEqualTo(union(files));

        JsonNode record = Folder.json(Path.of(merged() + ".sources.json"));
        assertThat(record.get("statistics_sha256").asText()).isEqualTo(DigestUtils.sha256Hex(bytes));
        assertThat(record.get("sources")).hasSize(3);
        JsonNode first = record.get("sources").get(0);
        assertThat(first.get("file").asText()).isEqualTo(files.get(2).toString());
        assertThat(first.get("statistics_sha256").asText())
                .isEqualTo(DigestUtils.sha256Hex(Folder.bytes(files.get(2))));
        assertThat(first.get("files").asInt()).isEqualTo(1);
        assertThat(first.get("samples").asInt()).isEqualTo(1);
        assertThat(first.get("tokens").asInt()).isEqualTo(12);
        assertThat(first.get("values").asLong()).isPositive();
        assertThat(Cli.run("inspect", merged() + ".sources.json").isDone().out())
                .contains("merge record");
        try (var left = Files.list(work)) {
            assertThat(left.map(path -> path.getFileName().toString())).noneMatch(name -> name.startsWith("."));
        }
    }

    private static byte[] union(List<Path> files) {
        SparkSession spark = SharedSpark.session();
        spark.createDataFrame(
                        files.stream()
                                .map(file -> RowFactory.create((Object) Folder.bytes(file)))
                                .toList(),
                        new StructType().add("stats", "binary"))
                .createOrReplaceTempView("parts");
        return spark.sql("SELECT kv_stats_union_agg(stats) FROM parts").first().getAs(0);
    }

    @Test
    void whatDoesNotFitIsRefusedByName() {
        Path first = statistics("first", capture("a.safetensors", 2, 8, 1), FP8, "range");
        Path counted = statistics("counted", capture("b.safetensors", 2, 8, 2), FP8, "histogram");
        merge(first, counted)
                .fails(
                        ExitCode.DATA,
                        counted.toString(),
                        "layer 0 key",
                        "this file holds histograms, and " + first + " ranges only",
                        "the same statistics under kvscale");
        Path wide = new Capture()
                .add("layers.0.keys", "F32", List.of(1L, 1L, 8L, 16L), Capture.random(3))
                .add("layers.0.values", "F32", List.of(1L, 1L, 8L, 16L), Capture.random(4))
                .write(work.resolve("c.safetensors"));
        Path other = statistics("other", wide, FP8, "range");
        merge(first, other).fails(ExitCode.DATA, other.toString(), "layer 0 key", "F32", "in " + first, "one dtype");
        Path batches = statistics("batches", capture("d.safetensors", 2, 8, 5), FP8 + ", observer: minmax", "range");
        merge(first, batches).fails(ExitCode.DATA, batches.toString(), "minmax", "order of all batches");
        merge(batches, first).fails(ExitCode.DATA, batches.toString(), "minmax", "order of all batches");
        Path copy = Capture.put(work.resolve("copy.kvstats"), Folder.bytes(first));
        merge(first, copy).fails(ExitCode.DATA, copy.toString(), "the same statistics as " + first);
        merge(first, work.resolve("absent")).fails(ExitCode.DATA, "absent", "does not exist");
        merge(first).fails(ExitCode.USAGE, "FILE");
        assertThat(merged()).doesNotExist();
        assertThat(Path.of(merged() + ".sources.json")).doesNotExist();
    }

    /** As a nightly merge does, and the second try of one. */
    @Test
    void noFileOfMergedStatisticsIsMergedAgain() throws IOException {
        Path a = statistics("first", capture("a.safetensors", 2, 8, 1), FP8, "histogram");
        Path b = statistics("second", capture("b.safetensors", 2, 8, 2), FP8, "histogram");
        Path c = statistics("third", capture("c.safetensors", 2, 8, 3), FP8, "histogram");
        merge(a, b).isDone();
        byte[] two = Folder.bytes(merged());
        String[] refusal = {"this file holds the same statistics as " + merged(), "count twice"};
        merge(merged(), b, "--overwrite").fails(ExitCode.DATA, b.toString(), refusal[0], refusal[1]);
        merge(b, merged(), "--overwrite")
                .fails(ExitCode.DATA, "this file was merged from " + b + " too, which is in " + b, "count twice");
        assertThat(Folder.bytes(merged())).isEqualTo(two);
        merge(merged(), c, "--overwrite").isDone();
        JsonNode sources = Folder.json(Path.of(merged() + ".sources.json")).get("sources");
        assertThat(sources)
                .extracting(source -> source.get("file").asText())
                .containsExactly(a.toString(), b.toString(), c.toString());
        byte[] three = Folder.bytes(merged());
        merge(merged(), c, "--overwrite").fails(ExitCode.DATA, c.toString(), "count twice");
        assertThat(Folder.bytes(merged())).isEqualTo(three);

        Path record = Path.of(merged() + ".sources.json");
        Files.writeString(record, "{\"sources\"");
        Cli.run("merge", merged(), a, "--output", work.resolve("other"))
                .fails(ExitCode.DATA, record.toString(), "not JSON");
        Files.writeString(record, "{\"statistics_sha256\": \"of another file\", \"sources\": []}");
        Cli.run("merge", merged(), a, "--output", work.resolve("other")).isDone();
    }

    @Test
    void normsOfPairsFitOnlyNormsOfTheSamePairs() {
        Path capture = capture("a.safetensors", 2, 8, 1);
        Path without = statistics("without", capture("b.safetensors", 2, 8, 2), FP8, "histogram");
        Path half = pairs("half", capture);
        merge(half, without)
                .fails(
                        ExitCode.DATA,
                        without.toString(),
                        "layer 0 key",
                        "this file holds no norms of RoPE pairs, and " + half
                                + " norms of RoPE pairs, half of 32 channels",
                        "the same config.json");
        Path neighbors = pairs("interleaved", capture);
        merge(half, neighbors).fails(ExitCode.DATA, "interleaved of 32 channels, and " + half, "half of 32 channels");
        assertThat(merged()).doesNotExist();
    }

    private Path pairs(String pairing, Path capture) {
        Path recipe = Folder.recipe(
                work,
                FP8,
                "kvscale: {statistics: [histogram, pairs], keys: {pairing: " + pairing + ", rotary_dim: 32}}");
        Path out = work.resolve(pairing);
        Cli.run("calibrate", "--recipe", recipe, "--input", capture, "--output", out, "--quiet")
                .isDone();
        return out.resolve("statistics.kvstats");
    }

    @Test
    void otherLayersAreAWarning() {
        Path two = statistics("two", capture("a.safetensors", 2, 8, 1), FP8, "range");
        Path three = statistics("three", capture("b.safetensors", 3, 8, 2), FP8, "range");
        assertThat(merge(two, three).isDone().err())
                .isEqualTo("kvscale: warning: " + three + " and the files before it differ in their layers\n");
    }

    @Test
    void onlyAStatisticsFileIsReplaced() throws IOException {
        Path a = statistics("first", capture("a.safetensors", 2, 8, 1), FP8, "range");
        Path b = statistics("second", capture("b.safetensors", 2, 8, 2), FP8, "range");
        merge(a, b).isDone();
        byte[] bytes = Folder.bytes(merged());
        merge(a, b).fails(ExitCode.OUTPUT, merged() + ".sources.json already exists", "--overwrite");
        merge(a, b, "--overwrite").isDone();
        assertThat(Folder.bytes(merged())).isEqualTo(bytes);
        Files.writeString(merged(), "mine");
        merge(a, b, "--overwrite")
                .fails(ExitCode.OUTPUT, merged() + " exists and is not a file that this command writes");
        assertThat(Folder.text(merged())).isEqualTo("mine");
        Files.delete(merged());
        Files.createDirectory(merged());
        merge(a, b, "--overwrite").fails(ExitCode.OUTPUT, merged() + " is a folder");
        Cli.run("merge", a, b, "--output", a.resolve("below"))
                .fails(ExitCode.OUTPUT, "below", "cannot be written", "name another file");
    }
}
