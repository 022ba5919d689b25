package io.kvscale.job.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.SharedSpark;
import io.kvscale.job.corpus.plan.ContentHash;
import io.kvscale.job.corpus.read.CharacterTokenizer;
import io.kvscale.job.corpus.read.TextInput;
import io.kvscale.job.corpus.read.TextModel;
import io.kvscale.job.model.ModelLocation;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.Progress;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.text.TokenBatch;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reads files and tables into batches on Spark. */
class TextCorpusTest {
    private static final Progress QUIET = new Progress(System.err, false, true);

    @TempDir
    Path folder;

    private static TextSettings settings(String fields) {
        return Recipe.parse("{kv_cache_scheme: {}, kvscale: {" + fields + "}}", "r")
                .text();
    }

    private TextCorpus read(TextInput input, String fields, int maxPositions, int partitions) {
        try {
            return read(input, fields, CharacterTokenizer.write(folder.resolve("model"), maxPositions), partitions);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static TextCorpus read(TextInput input, String fields, TextModel model, int partitions) {
        JavaSparkContext spark = SharedSpark.context();
        return TextCorpus.read(
                spark,
                spark.broadcast(new SerializableConfiguration(spark.hadoopConfiguration())),
                input,
                settings(fields),
                model,
                partitions,
                4,
                QUIET);
    }

    private TextInput input(String... paths) {
        return TextInput.paths(Arrays.stream(paths)
                .map(path -> folder.resolve(path).toString())
                .toList());
    }

    private void write(String path, String text) {
        write(path, text.getBytes(StandardCharsets.UTF_8));
    }

    private void write(String path, byte[] bytes) {
        try {
            Path file = folder.resolve(path);
            Files.createDirectories(file.getParent());
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String json(String text) {
        return "{\"text\": \"" + text + "\", \"other\": 1}\n";
    }

    /** The sequences of each batch as {@code name=text}. The order does not depend on partitions. */
    private static List<List<String>> batches(TextCorpus corpus, int partitions) {
        List<List<String>> batches = new ArrayList<>();
        for (byte[] bytes : corpus.batches(partitions).collect()) {
            batches.add(JavaSerde.value(bytes, TokenBatch.class).rows().stream()
                    .map(sequence -> sequence.name() + "=" + new String(sequence.ids(), 0, sequence.ids().length))
                    .toList());
        }
        batches.sort(Comparator.comparing(batch -> batch.get(0)));
        return batches;
    }

    private Map<String, String> texts(TextInput input, String fields, int positions) {
        try (TextCorpus corpus = read(input, fields, positions, 2)) {
            Map<String, String> texts = new TreeMap<>();
            for (List<String> batch : batches(corpus, 2)) {
                batch.forEach(s -> texts.put(s.substring(0, s.indexOf('=')), s.substring(s.indexOf('=') + 1)));
            }
            return texts;
        }
    }

    /** Writes texts of various lengths, some equal, to a large and two small files. Returns the texts of the large one. */
    private List<String> corpus() {
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < 150; i++) {
            Random random = new Random(i);
            int length = 1 + random.nextInt(i % 10 == 0 ? 900 : 60);
            texts.add(i % 7 == 6 ? texts.get(i - 3) : (i + "é").repeat(length).substring(0, length));
        }
        StringBuilder lines = new StringBuilder();
        texts.forEach(text -> lines.append(json(text)));
        write("in/a.jsonl", lines.toString());
        write("in/b/c.txt", "a text of its own\n");
        write(
                "in/b/d.jsonl",
                json("x") + "\n  \r\n" + json("y").replace("\n", "\r\n")
                        + json("z").strip());
        return texts;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "num_calibration_samples: 40",
                "num_calibration_samples: 40, shuffle: false, max_seq_length: 50",
                "max_seq_length: 50, long_texts: windows",
                "max_seq_length: 100, concatenate_data: true"
            })
    void theBatchesAreTheSameForEveryPartitioning(String fields) {
        corpus();
        List<List<String>> expected;
        TextCorpusSummary summary;
        try (TextCorpus corpus = read(input("in"), fields, 1_000, 1)) {
            expected = batches(corpus, 1);
            summary = corpus.summary();
            assertThat(expected).hasSize(summary.batches());
            assertThat(expected.stream().mapToInt(List::size).sum()).isEqualTo(summary.sequences());
            assertThat(summary.records()).isEqualTo(154);
        }
        for (int partitions : new int[] {3, 8}) {
            try (TextCorpus corpus = read(input("in"), fields, 1_000, partitions)) {
                assertThat(corpus.summary()).isEqualTo(summary);
                assertThat(corpus.batches(partitions).getNumPartitions())
                        .isEqualTo(Math.min(partitions, summary.batches()));
                assertThat(batches(corpus, partitions)).isEqualTo(expected);
                assertThat(batches(corpus, 0)).isEqualTo(expected);
            }
        }
        assertThat(SharedSpark.context().sc().getPersistentRDDs().isEmpty()).isTrue();
    }

    @Test
    void aLineAndATextFileAreSamples() {
        List<String> written = corpus();
        Map<String, String> texts = texts(input("in"), "", 0);
        assertThat(texts).hasSize(154).containsEntry("b/c", "a text of its own");
        assertThat(texts)
                .containsEntry("b/d/1", "x")
                .containsEntry("b/d/4", "y")
                .containsEntry("b/d/5", "z");
        for (int i = 0; i < written.size(); i++) {
            assertThat(texts).containsEntry("a/" + (i + 1), written.get(i));
        }
    }

    @Test
    void theChoiceDependsOnContentAndNotOnFiles() {
        List<String> written = new ArrayList<>(corpus().stream().distinct().toList());
        String fields = "num_calibration_samples: 25";
        List<String> chosen = texts(input("in/a.jsonl"), fields + ", seed: 1", 0).values().stream()
                .sorted()
                .toList();
        assertThat(chosen).hasSize(25);
        assertThat(texts(input("in/a.jsonl"), fields, 0).values()).isNotEqualTo(chosen);
        // Copies of a text are chosen by name, so only distinct texts are compared.
        Collections.shuffle(written, new Random(1));
        for (int i = 0; i < written.size(); i++) {
            write("other/" + i + ".txt", written.get(i) + (i % 2 == 0 ? "\n" : ""));
        }
        StringBuilder lines = new StringBuilder();
        written.forEach(text -> lines.append(json(text)));
        write("lines/x.jsonl", lines.toString());
        assertThat(texts(input("other"), fields, 0).values())
                .containsExactlyInAnyOrderElementsOf(
                        texts(input("lines"), fields, 0).values());
    }

    @Test
    void aByteOrderMarkIsSkipped() {
        byte[] mark = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};
        String text = new String(mark, StandardCharsets.UTF_8);
        write("in/a.jsonl", text + json("one") + json("two"));
        write("in/b.txt", text + "three");
        assertThat(texts(input("in"), "", 0)).isEqualTo(Map.of("a/1", "one", "a/2", "two", "b", "three"));
    }

    @Test
    void inputsCanBeFilesAndFieldsCanBeSetByTheRecipe() {
        write("x.json", "{\"body\": \"one\"}\n{\"body\": \"two\"}");
        write("y.txt", "three\r\n");
        assertThat(texts(input("x.json", "y.txt"), "fields: {text: body}", 0).values())
                .containsExactlyInAnyOrder("one", "two", "three");
        write("z.log", "text");
        assertThatThrownBy(() -> read(input("z.log"), "", 0, 1))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("z.log")
                .hasMessageContaining("rename it to end with .txt, .jsonl or .parquet");
    }

    @Test
    void linesAndTextsMayShareAFileStemAndNamesMayHaveColons() {
        write("in/a.jsonl", json("one"));
        write("in/a.txt", "two");
        write("in/b:c.jsonl", json("three"));
        assertThat(texts(input("in"), "", 0)).isEqualTo(Map.of("a/1", "one", "a", "two", "b:c/1", "three"));
    }

    @Test
    void noticesUseTheSingularForOne() {
        write("in/a.txt", "the river had been rising for days, and nobody slept");
        write("in/README.md", "no text");
        try (TextCorpus corpus = read(input("in"), "num_calibration_samples: 2", 3, 1)) {
            assertThat(corpus.notices())
                    .containsExactly(
                            "1 file is not .txt, .jsonl or .parquet and was skipped",
                            "num_calibration_samples is 2, but there is only 1 text",
                            "1 text is longer than 3 tokens and truncated (long_texts: windows uses the whole text)");
        }
    }

    @Test
    void globsThatMatchNamesWithColonsAreRejected() {
        write("in/b:c.jsonl", json("one"));
        assertThat(texts(input("in/b:c.jsonl"), "", 0)).isEqualTo(Map.of("b:c/1", "one"));
        assertThatThrownBy(() -> read(input("in/*.jsonl"), "", 0, 1))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("b:c.jsonl")
                .hasMessageContaining("give the folder or the files instead");
    }

    @Test
    void otherFilesAreSkippedAndCounted() {
        corpus();
        write("in/README.md", "no text");
        write("in/config.json", "{}");
        write("in/.hidden.txt", "no text");
        write("in/_part.txt", "no text");
        try (TextCorpus corpus = read(input("in"), "num_calibration_samples: 1000", 30, 2)) {
            assertThat(corpus.notices()).hasSize(3);
            assertThat(corpus.notices().get(0)).startsWith("2 files are not");
            assertThat(corpus.notices().get(1)).contains("1000", "only 154 texts");
            assertThat(corpus.notices().get(2))
                    .startsWith(corpus.summary().cut() + " texts are longer than 30 tokens and truncated");
            assertThat(corpus.summary().shown()).containsEntry("records", "154");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "nothing | input | does not exist",
                "empty | no .txt, .jsonl or .parquet file | (1 other files)",
                "mixed | the input mixes Parquet files with other texts | a folder that holds only one kind",
                "names | two texts have the name 'a/1' | rename one of their files"
            })
    void invalidInputsAreRejected(String path, String cause, String remedy) {
        write("empty/README.md", "x");
        write("mixed/a.parquet", "x");
        write("mixed/b.txt", "x");
        write("names/a.jsonl", json("x"));
        write("names/a/1.txt", "y");
        assertThatThrownBy(() -> read(input(path), "", 0, 2))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining(cause)
                .hasMessageContaining(remedy);
    }

    @Test
    void theFirstBadRecordIsTheSameForEveryPartitioning() {
        StringBuilder lines = new StringBuilder();
        for (int i = 1; i <= 40; i++) {
            lines.append(i == 9 || i == 10 || i == 33 ? "{\"text\": \n" : json("t" + i));
        }
        write("in/b.jsonl", lines.toString());
        write("in/c.txt", new byte[] {'a', (byte) 0xff});
        write("in/d.txt", "\n");
        for (int partitions : new int[] {1, 3, 8}) {
            assertThatThrownBy(() -> read(input("in"), "max_bad_records: 4", 0, partitions))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageStartingWith("not valid JSON")
                    .hasMessageContaining("\n  in file b.jsonl, line 9, sample b/9\n  ");
            try (TextCorpus corpus = read(input("in"), "max_bad_records: 5", 0, partitions)) {
                assertThat(corpus.summary().records()).isEqualTo(42);
                assertThat(corpus.summary().bad()).isEqualTo(5);
                assertThat(corpus.summary().samples()).isEqualTo(37);
                assertThat(corpus.notices()).singleElement().asString().contains("5 of 42 records", "line 9");
            }
        }
        assertThatThrownBy(() -> read(input("in/c.txt"), "", 0, 1)).hasMessageContaining("not valid UTF-8");
        assertThatThrownBy(() -> read(input("in/d.txt"), "", 0, 1)).hasMessageContaining("the text is empty");
        assertThatThrownBy(() -> read(input("in/d.txt"), "max_bad_records: 1", 0, 1))
                .hasMessageContaining("there is no text in")
                .hasMessageContaining("only bad records");
        write("blank.jsonl", "\n \n");
        assertThatThrownBy(() -> read(input("blank.jsonl"), "", 0, 1)).hasMessageContaining("there is no text in");
        assertThat(SharedSpark.context().sc().getPersistentRDDs().isEmpty()).isTrue();
    }

    @Test
    void textsAbove64MegabytesAreRejected() throws IOException {
        try (RandomAccessFile file =
                new RandomAccessFile(folder.resolve("big.txt").toFile(), "rw")) {
            file.setLength((64L << 20) + 1);
        }
        assertThatThrownBy(() -> read(input("big.txt"), "", 0, 1))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("larger than 64 MB")
                .hasMessageContaining("big.txt");
    }

    @Test
    void aMaximumLengthAboveTheModelsIsRejected() {
        corpus();
        assertThatThrownBy(() -> read(input("in"), "max_seq_length: 2048", 1024, 1))
                .isInstanceOf(InvalidOptionException.class)
                .hasMessageContaining("the model takes 1024 tokens");
    }

    private static SparkSession session(List<String> texts) {
        SparkSession session = SharedSpark.session();
        session.createDataset(texts, Encoders.STRING()).toDF("Text").createOrReplaceTempView("texts");
        return session;
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "num_calibration_samples: 40", "max_seq_length: 50, long_texts: windows"})
    void tablesQueriesAndParquetGiveEqualBatches(String fields) {
        List<String> written = corpus();
        SparkSession session = session(written);
        session.table("texts")
                .repartition(3)
                .write()
                .parquet(folder.resolve("p/d[1]").toString());
        List<List<String>> expected;
        try (TextCorpus corpus = read(TextInput.table("texts"), fields, 0, 1)) {
            expected = batches(corpus, 1);
            assertThat(corpus.summary().records()).isEqualTo(150);
        }
        String query = "select text, 1 as other from texts order by text";
        for (TextInput input : List.of(TextInput.table("texts"), TextInput.query(query), input("p"))) {
            try (TextCorpus corpus = read(input, fields, 0, 0)) {
                assertThat(batches(corpus, 3)).isEqualTo(expected);
            }
        }
        if (fields.isEmpty()) {
            String copied = written.get(3);
            String name = ContentHash.of(42, copied).digits();
            assertThat(expected.stream().flatMap(List::stream)).contains(name + "=" + copied, name + "-2=" + copied);
        }
    }

    @Test
    void strataOfTablesAndParquetAreThoseOfLines() {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 60; i++) {
            String lang = i % 4 == 0 ? "de" : "en";
            lines.append("{\"text\": \"t" + i % 50 + "\", \"Lang\": \"" + lang + "\", \"n\": " + i + "}\n");
        }
        write("in/a.jsonl", lines.toString());
        SparkSession session = SharedSpark.session();
        session.read().json(folder.resolve("in").toString()).createOrReplaceTempView("strata");
        session.table("strata")
                .repartition(3)
                .write()
                .parquet(folder.resolve("p").toString());
        String by = "sample_by: Lang, samples_per_stratum: {de: 10, en: 20}, statistics_by: Lang";
        List<List<String>> expected;
        try (TextCorpus corpus = read(TextInput.table("strata"), by, 0, 2)) {
            expected = strata(corpus, 2);
        }
        for (TextInput input : List.of(
                TextInput.table("strata"), TextInput.query("select text, lang from strata order by n"), input("p"))) {
            for (int partitions : new int[] {1, 4}) {
                try (TextCorpus corpus = read(input, by, 0, partitions)) {
                    assertThat(corpus.summary().sampled()).isEqualTo(new TreeMap<>(Map.of("de", 10L, "en", 20L)));
                    assertThat(strata(corpus, partitions)).isEqualTo(expected);
                }
            }
        }
        try (TextCorpus corpus = read(input("in"), by, 0, 2)) {
            assertThat(strata(corpus, 2).stream().flatMap(List::stream).sorted())
                    .containsExactlyElementsOf(
                            expected.stream().flatMap(List::stream).sorted().toList());
        }
        assertThatThrownBy(() -> read(input("p"), "statistics_by: lang_of_text", 0, 1))
                .hasMessageContaining("has no column 'lang_of_text', which sample_by or statistics_by names; it has");
        assertThatThrownBy(() -> read(input("p"), "statistics_by: n", 0, 1))
                .hasMessageContaining("column 'n', which sample_by or statistics_by names, is bigint, expected string");
        assertThatThrownBy(() -> read(
                        TextInput.query("select 'a' as text, cast(null as string) as lang"),
                        "statistics_by: lang",
                        0,
                        1))
                .hasMessageContaining("the field lang, which statistics_by names, is null")
                .hasMessageContaining("table of the query, row {");
        assertThatThrownBy(() -> read(
                        TextInput.query("select 'a' as text, cast(x'ff' as string) as lang"),
                        "statistics_by: lang",
                        0,
                        1))
                .hasMessageContaining("not valid UTF-8");
        try (TextCorpus corpus = read(TextInput.query("select 'a' as text"), "statistics_by: text", 0, 1)) {
            assertThat(corpus.summary().observed()).containsOnlyKeys("a");
        }
    }

    /** The sequences of each batch as {@code text=stratum}. */
    private static List<List<String>> strata(TextCorpus corpus, int partitions) {
        return corpus.batches(partitions).collect().stream()
                .map(bytes -> JavaSerde.value(bytes, TokenBatch.class).rows().stream()
                        .map(row -> new String(row.ids(), 0, row.ids().length) + "=" + row.stratum())
                        .toList())
                .sorted(Comparator.comparing(batch -> batch.get(0)))
                .toList();
    }

    @Test
    void invalidTablesAreRejected() {
        session(List.of("a", ""));
        assertThatThrownBy(() -> read(TextInput.table("texts"), "fields: {text: body}", 0, 1))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("table texts has no column")
                .hasMessageContaining("'body'")
                .hasMessageContaining("it has Text");
        assertThatThrownBy(() -> read(TextInput.table("nosuch"), "", 0, 1))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("table nosuch cannot be read");
        assertThatThrownBy(() -> read(TextInput.query("select text from"), "", 0, 1))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("table of the query cannot be read");
        assertThatThrownBy(() -> read(TextInput.table("texts"), "", 0, 1))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("the text is empty\n  in table texts, row {\"text\":\"\"}\n");
        assertThatThrownBy(() -> read(TextInput.table("texts"), "num_calibration_samples: 1, shuffle: false", 0, 1))
                .isInstanceOf(InvalidOptionException.class)
                .hasMessageContaining("no order");
    }

    @Test
    void textsOnHdfsGiveEqualBatches() throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 8_000; i++) {
            lines.append(json(i + "x".repeat(i % 300)));
        }
        write("in/a.jsonl", lines.toString());
        write("in/b/c.txt", "a text of its own\n");
        Configuration configuration = new Configuration();
        configuration.set(
                MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.resolve("dfs").toString());
        configuration.setInt("dfs.blocksize", 1 << 20);
        MiniDFSCluster cluster =
                new MiniDFSCluster.Builder(configuration).numDataNodes(1).build();
        try {
            var hdfs = cluster.getFileSystem();
            hdfs.copyFromLocalFile(
                    new org.apache.hadoop.fs.Path(folder.resolve("in").toString()),
                    new org.apache.hadoop.fs.Path("/in"));
            try (TextCorpus there = read(TextInput.paths(List.of(hdfs.getUri() + "/in")), "", 0, 5);
                    TextCorpus here = read(input("in"), "", 0, 2)) {
                assertThat(batches(there, 3)).isEqualTo(batches(here, 2));
            }
        } finally {
            cluster.shutdown();
        }
    }

    @Test
    void invalidUtf8InATableIsABadRecord() {
        for (String column : List.of(
                "cast(x'61ff' as string) as text",
                "array(named_struct('role', 'user', 'content', cast(x'61ff' as string))) as messages",
                "array(map('role', 'user', 'content', cast(x'61ff' as string))) as messages")) {
            TextInput input = TextInput.query("select " + column);
            assertThatThrownBy(() -> read(input, "", 0, 1))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContaining("not valid UTF-8")
                    .hasMessageContaining("table of the query, row {");
        }
    }

    @Test
    void aTokenizerThatCannotBeOpenedInATaskIsReported() {
        corpus();
        session(List.of("a"));
        DataProblem problem = DataProblem.of("the model differs here", "leave it alone");
        ModelLocation broken = () -> {
            throw new InvalidDataException(problem);
        };
        for (TextInput input : List.of(input("in"), TextInput.table("texts"))) {
            assertThatThrownBy(() -> read(input, "", new TextModel(broken, 256, 0), 2))
                    .isInstanceOfSatisfying(
                            InvalidDataException.class,
                            e -> assertThat(e.problem()).isEqualTo(problem));
        }
    }

    @Test
    void binaryColumnsAreRejected() {
        assertThatThrownBy(() -> read(TextInput.query("select cast('abc' as binary) as text"), "", 0, 1))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("column 'text' is binary")
                .hasMessageContaining("cast it");
    }

    @Test
    void lineNumbersDoNotDependOnTheNumberOfSplits() {
        StringBuilder lines = new StringBuilder();
        Map<String, String> expected = new TreeMap<>();
        for (int i = 1; i <= 5_000; i++) {
            boolean blank = i % 11 == 0;
            lines.append(blank ? "\n" : json("line " + i));
            if (!blank) {
                expected.put("a/" + i, "line " + i);
            }
        }
        write("a.jsonl", lines.toString());
        try (TextCorpus corpus = read(input("a.jsonl"), "", 0, 16)) {
            Map<String, String> found = new TreeMap<>();
            batches(corpus, 2).forEach(batch -> batch.forEach(s -> found.put(s.split("=")[0], s.split("=")[1])));
            assertThat(found).isEqualTo(expected);
        }
    }
}
