package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.command.ExitCode;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.safetensors.SafetensorsHeader;
import io.kvscale.safetensors.TensorEntry;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Queries become a third role where a recipe asks for them, and nothing changes where it does not. */
class QueryCommandTest {
    private static final String FP8 = "num_bits: 8, type: float, strategy: tensor, symmetric: true";
    private static final String ASKS = "kvscale: {query: {scheme: {}}}";
    private static final int QUERY_HEADS = 4;

    @TempDir
    private Path work;

    /** The absolute maxima of the query heads of a layer are its number plus 1, 2, 3 and 4. */
    private static Capture queries(Capture capture, int layer, int tokens) {
        return capture.add(
                "model.layers." + layer + ".self_attn.q",
                "BF16",
                List.of(1L, (long) QUERY_HEADS, (long) tokens, 32L),
                i -> (layer + 1.0 + i / (tokens * 32)) * (i % 5 == 0 ? -1 : 0.5));
    }

    private static Capture sample(int sample, boolean queries) {
        Capture capture = Capture.of(2, 40 + sample, 10L * sample);
        for (int layer = 0; layer < 2 && queries; layer++) {
            queries(capture, layer, 40 + sample);
        }
        return capture;
    }

    @BeforeEach
    void captures() {
        for (int i = 0; i < 5; i++) {
            sample(i, true).write(work.resolve("in/s" + i + ".safetensors"));
            sample(i, false).write(work.resolve("without/s" + i + ".safetensors"));
        }
    }

    private Path recipe(String... rest) {
        return Folder.recipe(work, FP8, rest);
    }

    private Cli calibrate(Path recipe, String input, String output, Object... more) {
        List<Object> words = new ArrayList<>(
                List.of("calibrate", "--recipe", recipe, "--input", work.resolve(input), "--output", output(output)));
        words.addAll(List.of(more));
        return Cli.run(words.toArray());
    }

    private Path output(String name) {
        return work.resolve("out/" + name);
    }

    private static float[] scale(ScaleTable table, int layer) {
        return scales(table, layer, Role.QUERY).scale();
    }

    private static SlotScales scales(ScaleTable table, int layer, Role role) {
        return Objects.requireNonNull(table.slots().get(new Slot(layer, role)));
    }

    @Test
    void withoutTheKeyQueriesChangeNoByte() {
        calibrate(recipe(), "in", "a").isDone();
        calibrate(recipe(), "without", "b").isDone();
        assertThat(Folder.content(output("a"))).isEqualTo(Folder.content(output("b")));
    }

    @Test
    void queriesGetScalesOfTheirOwnAndThoseOfKeysAndValuesStay() throws IOException {
        Cli with = calibrate(recipe(ASKS), "in", "with").isDone();
        assertThat(with.out()).contains("k_scale", "v_scale", "q_scale", "q_max", String.valueOf(5f / 448f));
        calibrate(recipe(), "in", "off").isDone();
        ScaleTable table = Folder.scales(output("with"));
        ScaleTable off = Folder.scales(output("off"));
        assertThat(table.slots()).hasSize(6);
        for (int layer = 0; layer < 2; layer++) {
            assertThat(scale(table, layer)).containsExactly((layer + 4f) / 448f);
            assertThat(scales(table, layer, Role.QUERY).geometry().heads()).isEqualTo(QUERY_HEADS);
        }
        assertThat(table.sha256()).isEqualTo(off.sha256());
        assertThat(Cli.run("compare", output("with"), output("off")).out())
                .contains("only in A", "different: the scales of 2 of 6 slots");
        JsonNode on = Folder.json(output("with/kv_scales.json")).path("layers");
        JsonNode none = Folder.json(output("off/kv_scales.json")).path("layers");
        for (int layer = 0; layer < 2; layer++) {
            assertThat(on.get(layer).get("key")).isEqualTo(none.get(layer).get("key"));
            assertThat(on.get(layer).get("value")).isEqualTo(none.get(layer).get("value"));
            assertThat(none.get(layer).has("query")).isFalse();
        }
        assertThat(overlay("with"))
                .containsEntry("model.layers.1.self_attn.q_scale", List.of(1L))
                .hasSize(6);
        assertThat(Folder.text(output("with/report.html"))).contains("\"role\":\"query\"");
    }

    private SortedMap<String, List<Long>> overlay(String output) throws IOException {
        byte[] file = Folder.bytes(output(output + "/vllm/model-kvscales.safetensors"));
        SafetensorsHeader header = SafetensorsHeader.read(new ByteArrayInputStream(file), file.length, name -> true);
        return new TreeMap<>(
                header.tensors().stream().collect(Collectors.toMap(TensorEntry::name, TensorEntry::shape)));
    }

    @Test
    void headsChannelsAndHistogramsFollowTheScheme() throws IOException {
        String heads = "kvscale: {statistics: histogram, query: {scheme: {}}}";
        calibrate(Folder.recipe(work, FP8.replace("tensor", "attn_head"), heads), "in", "heads")
                .isDone();
        SlotScales query = scales(Folder.scales(output("heads")), 1, Role.QUERY);
        assertThat(query.scale()).containsExactly(2f / 448f, 3f / 448f, 4f / 448f, 5f / 448f);
        assertThat(Objects.requireNonNull(query.error()).saturated()).isZero();
        assertThat(overlay("heads"))
                .containsEntry("model.layers.1.self_attn.q_scale", List.of(4L, 1L, 1L))
                .containsEntry("model.layers.1.self_attn.k_scale", List.of(2L, 1L, 1L));
        Path channels = recipe("kvscale: {query: {scheme: {strategy: channel}}}");
        Cli cli = Cli.run(
                "scales",
                "--statistics",
                output("heads/statistics.kvstats"),
                "--recipe",
                channels,
                "--output",
                output("c"));
        assertThat(cli.isDone().err()).contains("no files written for vLLM: layer 0 query is FP8_E4M3, channel");
        assertThat(scales(Folder.scales(output("c")), 0, Role.QUERY).scale()).hasSize(QUERY_HEADS * 32);
        assertThat(Cli.run("advise", "--statistics", output("heads/statistics.kvstats"), "--bits", "8")
                        .isDone()
                        .err())
                .contains("queries are left out");
    }

    @Test
    void resultsDoNotDependOnPartitions() {
        Path recipe = recipe("kvscale: {statistics: histogram, query: {scheme: {observer: mse}}}");
        calibrate(recipe, "in", "1", "--partitions", "1").isDone();
        for (int partitions : new int[] {2, 7, 60}) {
            String name = String.valueOf(partitions);
            calibrate(recipe, "in", name, "--partitions", name).isDone();
            assertThat(Folder.content(output(name))).isEqualTo(Folder.content(output("1")));
        }
    }

    @Test
    void theRecipeOfScalesDecidesAgain() {
        calibrate(recipe(ASKS), "in", "with").isDone();
        calibrate(recipe(), "in", "off").isDone();
        Path statistics = output("with/statistics.kvstats");
        Cli.run("scales", "--statistics", statistics, "--recipe", recipe(), "--output", output("dropped"))
                .isDone();
        ScaleTable dropped = Folder.scales(output("dropped"));
        assertThat(dropped.slots().keySet())
                .isEqualTo(Folder.scales(output("off")).slots().keySet());
        Cli.run(
                        "scales",
                        "--statistics",
                        output("off/statistics.kvstats"),
                        "--recipe",
                        recipe(ASKS),
                        "--output",
                        output("no"))
                .fails(ExitCode.DATA, "layer 0 query", "the corpus has no query of this layer", "remove query");
        CalibrationStatistics read = CalibrationStatistics.fromByteArray(Folder.bytes(statistics));
        CalibrationStatistics off = CalibrationStatistics.fromByteArray(Folder.bytes(output("off/statistics.kvstats")));
        CalibrationStatistics cached = new CalibrationStatistics(off.corpus(), Slot.cached(read.slots()));
        assertThat(cached.toByteArray()).isEqualTo(Folder.bytes(output("off/statistics.kvstats")));
        assertThat(Cli.run("compare", statistics, output("off/statistics.kvstats"))
                        .out())
                .contains("query", "only in A");
        assertThat(Cli.run("inspect", statistics).isDone().out()).contains("query");
        assertThat(Cli.run("inspect", "--recipe", recipe(ASKS), work.resolve("in/s0.safetensors"))
                        .isDone()
                        .out())
                .contains("query");
    }

    @Test
    void queriesThatDoNotFitTheKeysAreRefused() {
        Capture three = sample(0, false);
        three.add("layers.0.queries", "BF16", List.of(1L, 3L, 40L, 32L), Capture.random(1));
        queries(three, 1, 40).write(work.resolve("three/a.safetensors"));
        refused("three", "layer 0 query", "3 heads of 32, which do not share the 2 heads of 32 of the key");
        Capture wide = sample(0, false);
        wide.add("query_cache.0", "BF16", List.of(1L, 4L, 40L, 64L), Capture.random(1));
        queries(wide, 1, 40).write(work.resolve("wide/a.safetensors"));
        refused("wide", "layer 0 query", "4 heads of 64, which do not share the 2 heads of 32 of the key");
        queries(sample(0, false), 0, 40).write(work.resolve("part/a.safetensors"));
        refused("part", "layer 1 query", "the corpus has no query of this layer", "query.tensors");
        queries(sample(0, true), 2, 40).write(work.resolve("more/a.safetensors"));
        refused("more", "layer 2", "the corpus has the query of this layer, but no key");
        refused("without", "layer 0 query", "the corpus has no query of this layer");
    }

    private void refused(String input, String... parts) {
        calibrate(recipe(ASKS), input, "no").fails(ExitCode.DATA, parts);
        Cli.run("calibrate", "--recipe", recipe(ASKS), "--input", work.resolve(input), "--dry-run")
                .fails(ExitCode.DATA, parts);
    }

    @Test
    void aSampleWithoutItsQueriesIsNamed() {
        sample(3, false).write(work.resolve("in/s3.safetensors"));
        refused("in", "this sample lacks layer 0 query, layer 1 query", "s3", "1 of 5 samples");
        Path hybrid = recipe("kvscale: {hybrid: true, query: {scheme: {}}}");
        calibrate(hybrid, "in", "no").fails(ExitCode.DATA, "query", "s3");
    }

    @Test
    void theModelSaysHowManyQueryHeadsThereAre() {
        Path config = Folder.write(
                work.resolve("config.json"),
                "{\"model_type\": \"llama\", \"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 32,"
                        + "\"num_hidden_layers\": 2}");
        calibrate(recipe(ASKS), "in", "fits", "--model-config", config).isDone();
        Cli.run("inspect", output("fits/statistics.kvstats"), "--model-config", config)
                .isDone();
        Path other =
                Folder.write(work.resolve("other.json"), Folder.text(config).replace("4,", "8,"));
        calibrate(recipe(ASKS), "in", "no", "--model-config", other)
                .fails(ExitCode.DATA, "gives 4 heads of 32, config.json says 8 of 32", "self_attn.q");
        Cli.run("inspect", output("fits/statistics.kvstats"), "--model-config", other)
                .fails(ExitCode.DATA, "layer 0 query", "4 heads of 32, config.json says 8 of 32");
    }

    /** The cache of a window drops the first tokens of K and V. Queries are not cached. */
    @Test
    void aWindowDoesNotCutQueriesOff() {
        Capture capture = new Capture().pair(0, 31, 1).pair(1, 96, 2);
        queries(queries(capture, 0, 96), 1, 96).write(work.resolve("windows/a.safetensors"));
        Path config = Folder.write(
                work.resolve("config.json"),
                "{\"model_type\": \"llama\", \"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 32,"
                        + "\"num_hidden_layers\": 2, \"sliding_window\": 32,"
                        + "\"layer_types\": [\"sliding_attention\", \"full_attention\"]}");
        calibrate(recipe(ASKS), "windows", "config", "--model-config", config).isDone();
        Path hybrid = recipe("kvscale: {hybrid: true, query: {scheme: {}}}");
        calibrate(hybrid, "windows", "hybrid").isDone();
        Capture fewer = new Capture().pair(0, 31, 1).pair(1, 96, 2);
        queries(queries(fewer, 0, 96), 1, 31).write(work.resolve("windows/a.safetensors"));
        calibrate(recipe(ASKS), "windows", "no", "--model-config", config)
                .fails(ExitCode.DATA, "31 tokens of layer 1 query, but 96");
        calibrate(hybrid, "windows", "no").fails(ExitCode.DATA, "layer 1 query", "96 tokens of key, 31 of query");
    }

    @Test
    void recipesThatCannotHaveQueriesAreRefused() {
        calibrate(recipe("kvscale: {query: {}}"), "in", "no").fails(ExitCode.USAGE, "query is empty", "scheme: {}");
        calibrate(recipe("kvscale: {mla: true, query: {scheme: {}}}"), "in", "no")
                .fails(ExitCode.USAGE, "MLA", "remove query");
        Cli.run(
                        "calibrate",
                        "--recipe",
                        recipe(ASKS),
                        "--model",
                        work.resolve("in"),
                        "--text",
                        work.resolve("without"),
                        "--output",
                        output("no"))
                .fails(ExitCode.USAGE, "the recipe asks for queries", "--input");
    }

    @Test
    void tablesHoldQueriesAsARole() {
        List<Row> rows = new ArrayList<>(Table.rows(2, 1));
        for (int sample = 0; sample < 2; sample++) {
            byte[] data = Table.data(sample, 0, "key");
            byte[] twice = Arrays.copyOf(data, 2 * data.length);
            List<Long> shape = List.of(1L, 4L, (long) Table.tokens(sample), 32L);
            rows.add(RowFactory.create(Table.name(sample), 0, sample == 0 ? "q" : "Query", shape, "BF16", twice));
        }
        Table.session().createDataFrame(rows, StructType.fromDDL(Table.SCHEMA)).createOrReplaceTempView("with_queries");
        Object[] command = {"calibrate", "--recipe", recipe(ASKS), "--table", "with_queries", "--output", output("t")};
        Cli.run(command).isDone();
        assertThat(scales(Folder.scales(output("t")), 0, Role.QUERY).scale())
                .isEqualTo(scales(Folder.scales(output("t")), 0, Role.KEY).scale());
        command[2] = recipe();
        command[6] = output("no");
        Cli.run(command).fails(ExitCode.DATA, "'role' is 'query', but the recipe does not ask", "query: {scheme: {}}");
    }

    @Test
    void patternsNameQueries() {
        sample(0, false)
                .add("blk0.Q", "BF16", List.of(1L, 4L, 40L, 32L), Capture.random(1))
                .add("blk1.Q", "BF16", List.of(1L, 4L, 40L, 32L), Capture.random(2))
                .write(work.resolve("named/a.safetensors"));
        String pattern = "kvscale: {query: {tensors: 'blk(?P<layer>\\d+)\\.Q'}}";
        calibrate(recipe(pattern), "named", "named").isDone();
        assertThat(Folder.scales(output("named")).slots()).hasSize(6);
        Map<String, String> again = Folder.content(output("named"));
        calibrate(recipe(pattern), "named", "named", "--overwrite").isDone();
        assertThat(Folder.content(output("named"))).isEqualTo(again);
    }
}
