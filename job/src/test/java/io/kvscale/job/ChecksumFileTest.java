package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.input.RegularFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Hadoop's hidden checksum files beside inputs: whatever they hold, nothing reads them. */
class ChecksumFileTest {
    private static final Path TINY = Folder.HOME.resolve("conf/tiny-model");

    @TempDir
    private Path work;

    /** What a checksum file holds. */
    private enum Sums {
        HUGE_CHUNKS(0x63726300, Integer.MAX_VALUE, 0),
        NO_CHUNKS(0x63726300, 0),
        NEGATIVE_CHUNKS(0x63726300, -1),
        BAD_MAGIC(0x12345678, 512, 0),
        WRONG_SUMS(0x63726300, 512, 0xdeadbeef, 0xdeadbeef, 0xdeadbeef);

        private final byte[] bytes;

        Sums(int... words) {
            ByteBuffer all = ByteBuffer.allocate(4 * words.length);
            all.asIntBuffer().put(words);
            this.bytes = all.array();
        }

        /** Writes such a file beside each file of a folder. */
        void beside(Path folder) throws IOException {
            List<Path> files;
            try (Stream<Path> walk = Files.walk(folder)) {
                files = walk.filter(Files::isRegularFile)
                        .filter(file -> !file.toString().endsWith(".crc"))
                        .toList();
            }
            for (Path file : files) {
                Files.write(file.resolveSibling("." + file.getFileName() + ".crc"), bytes);
            }
        }
    }

    private Path in = Path.of("");
    private Path texts = Path.of("");
    private Path model = Path.of("");
    private Path recipe = Path.of("");

    @BeforeEach
    void write() throws IOException {
        in = work.resolve("in");
        texts = work.resolve("texts");
        model = work.resolve("model");
        Files.createDirectories(model);
        Files.createDirectories(texts);
        try (Stream<Path> files = Files.list(TINY)) {
            for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                Path folder = file.toString().endsWith(".jsonl") ? texts : model;
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Folder.write(texts.resolve("one.txt"), "A text of its own.");
        recipe = Folder.recipe(work.resolve("recipe"), "num_bits: 8, type: float");
    }

    private void works(Object... words) {
        assertThat(Cli.run(words).isDone().err()).doesNotContain("hecksum");
    }

    @ParameterizedTest
    @EnumSource
    void capturesRecipesStatisticsAndScales(Sums sums) throws IOException {
        Path out = work.resolve("out");
        Path list = Folder.write(work.resolve("list/inputs"), in.toString());
        Table.captures(in, 2, 1, "BF16");
        sums.beside(in);
        sums.beside(recipe.getParent());
        sums.beside(list.getParent());
        works("calibrate", "--recipe", recipe, "--input-list", list, "--output", out);
        assertThat(out.resolve(".kv_scales.json.crc")).doesNotExist();
        sums.beside(out);
        Path statistics = out.resolve("statistics.kvstats");
        works("scales", "--recipe", recipe, "--statistics", statistics, "--output", work.resolve("derived"));
        works("inspect", out.resolve("kv_scales.json"));
        works("inspect", statistics);
        works("inspect", in, "--recipe", recipe);
        works("compare", statistics, out.resolve("kv_scales.json").resolveSibling("statistics.kvstats"));
    }

    @ParameterizedTest
    @EnumSource
    void parquetOfKeysAndValues(Sums sums) throws IOException {
        Table.parquet(Table.of(Table.rows(2, 1), Table.SCHEMA), 1, in);
        sums.beside(in);
        works("calibrate", "--recipe", recipe, "--input", in, "--output", work.resolve("out"));
    }

    @ParameterizedTest
    @EnumSource
    void textsAndModels(Sums sums) throws IOException {
        Path out = work.resolve("out");
        sums.beside(texts);
        sums.beside(model);
        works("calibrate", "--recipe", recipe, "--model", model, "--text", texts, "--output", out);
        sums.beside(out);
        works("evaluate", "--model", model, "--text", texts, "--scales", out);
    }

    @ParameterizedTest
    @EnumSource
    void parquetOfTexts(Sums sums) throws IOException {
        Path table = work.resolve("table");
        Table.session()
                .sql("select 'a text' as text union all select 'another' as text")
                .coalesce(1)
                .write()
                .parquet(table.toString());
        sums.beside(table);
        works("calibrate", "--recipe", recipe, "--model", model, "--text", table, "--output", work.resolve("out"));
    }

    @ParameterizedTest
    @EnumSource
    void localFilesThatAreMounted(Sums sums) throws IOException {
        Folder.write(work.resolve("mounted/file"), "content");
        sums.beside(work.resolve("mounted"));
        Configuration mounts = new Configuration();
        mounts.set(
                "fs.viewfs.mounttable.kv" + sums.ordinal() + ".link./data",
                work.resolve("mounted").toUri().toString());
        var path = new org.apache.hadoop.fs.Path("viewfs://kv" + sums.ordinal() + "/data/file");
        try (InputStream file = RegularFile.open(path.getFileSystem(mounts), path)) {
            assertThat(file.readAllBytes()).asString().isEqualTo("content");
        }
    }
}
