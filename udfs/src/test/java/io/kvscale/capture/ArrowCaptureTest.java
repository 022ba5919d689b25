package io.kvscale.capture;

import static io.kvscale.arrow.TestTable.BINARY;
import static io.kvscale.arrow.TestTable.F16;
import static io.kvscale.arrow.TestTable.F32;
import static io.kvscale.arrow.TestTable.INT32;
import static io.kvscale.arrow.TestTable.INT64;
import static io.kvscale.arrow.TestTable.LARGE_UTF8;
import static io.kvscale.arrow.TestTable.LIST;
import static io.kvscale.arrow.TestTable.UTF8;
import static io.kvscale.arrow.TestTable.field;
import static io.kvscale.arrow.TestTable.list;
import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.arrow.TestTable;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.Layout;
import io.kvscale.capture.layout.TableColumns;
import io.kvscale.input.FilePiece;
import io.kvscale.input.Split;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.safetensors.SafetensorsWriter;
import io.kvscale.task.CalibrationTask;
import io.kvscale.task.CaptureCorpus;
import io.kvscale.task.CaptureCorpus.Merged;
import io.kvscale.task.TaskState;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.types.UnionMode;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Arrow tables give the same statistics, byte for byte, as the same tensors in safetensors, wherever they are cut. */
class ArrowCaptureTest {
    private static final List<Long> SHAPE = List.of(1L, 2L, 3L, 4L);
    private static final int ROWS = 4;

    /** One name for all formats, because statistics contain the file name; the content says the format. */
    private static final String NAME = "s.safetensors";

    @TempDir
    Path folder;

    /** The column types of one table. */
    record Types(ArrowType text, ArrowType layer, Field shape, String dtype, Field data) {
        @Override
        public String toString() {
            return text + ", " + layer + ", " + shape + ", " + dtype + " in " + data;
        }
    }

    static Stream<Types> types() {
        Field shape = list("shape", LIST, INT64);
        List<Types> types = new ArrayList<>();
        for (ArrowType text : List.of(UTF8, LARGE_UTF8)) {
            types.add(new Types(text, INT32, shape, "BF16", field("data", BINARY)));
        }
        for (int bits : new int[] {8, 16, 32, 64}) {
            for (boolean signed : new boolean[] {true, false}) {
                ArrowType integer = new ArrowType.Int(bits, signed);
                types.add(new Types(UTF8, integer, list("shape", LIST, integer), "F16", field("data", BINARY)));
            }
        }
        ArrowType four = new ArrowType.FixedSizeList(4);
        for (ArrowType outer : List.of(LIST, ArrowType.LargeList.INSTANCE, four)) {
            types.add(new Types(UTF8, INT32, list("shape", outer, INT32), "F32", field("data", BINARY)));
        }
        types.add(new Types(UTF8, INT32, shape, "BF16", field("data", ArrowType.LargeBinary.INSTANCE)));
        types.add(new Types(UTF8, INT32, shape, "BF16", field("data", new ArrowType.FixedSizeBinary(48))));
        ArrowType all = new ArrowType.FixedSizeList(24);
        for (ArrowType outer : List.of(LIST, ArrowType.LargeList.INSTANCE, all)) {
            types.add(new Types(UTF8, INT32, shape, "F32", list("data", outer, F32)));
            types.add(new Types(UTF8, INT32, shape, "F16", list("data", outer, F16)));
        }
        return types.stream();
    }

    @ParameterizedTest
    @MethodSource("types")
    void everyAcceptedTypeGivesTheStatisticsOfSafetensors(Types types) {
        CaptureCorpus tensors = new CaptureCorpus(folder.resolve("tensors"), 1);
        byte[][] values = values(tensors, types.dtype);
        Merged expected = safetensors(tensors, types.dtype, values);
        for (boolean file : new boolean[] {true, false}) {
            CaptureCorpus corpus = new CaptureCorpus(folder.resolve("table-" + file), 2);
            TestTable table = table(values, types.dtype)
                    .column(field("sample", types.text), "s", null, "s", "s")
                    .column(field("layer", types.layer), 0, 0, 1, 1)
                    .column(field("role", types.text), "key", "VALUE", "k", "v")
                    .column(types.shape, Collections.nCopies(ROWS, SHAPE).toArray())
                    .column(field("dtype", types.text), dtypes(types))
                    .column(types.data, (Object[]) values)
                    .batches(3);
            corpus.write(NAME, file ? table.file() : table.stream());
            assertSame(corpus.whole(), expected);
            assertSame(corpus.cut(corpus.randomCuts(12), 3, true), expected);
        }
    }

    private static Object[] dtypes(Types types) {
        boolean typed = !types.data.getChildren().isEmpty();
        return new Object[] {
            typed ? null : types.dtype, types.dtype.toLowerCase(java.util.Locale.ROOT), types.dtype, types.dtype
        };
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void piecesOfOneByteGiveTheSameStatistics(boolean file) {
        CaptureCorpus corpus = new CaptureCorpus(folder, 3);
        TestTable table = table(values(corpus, "F32"), "F32").batches(1, 2);
        corpus.write(NAME, file ? table.file() : table.stream());
        Merged whole = corpus.whole();
        assertThat(whole.statistics().slots()).hasSize(ROWS);
        assertThat(whole.statistics().corpus().files()).isEqualTo(1);
        assertSame(corpus.cut(f -> LongStream.range(1, f.length()).boxed().toList(), 2, true), whole);
        for (int count = 1; count < 20; count++) {
            assertSame(
                    corpus.merged(Split.plan(corpus.files(), count).stream()
                            .map(s -> corpus.run(s.pieces()))
                            .toList()),
                    whole);
        }
    }

    @Test
    void valuesMayBeginAtOddPositions() {
        CaptureCorpus corpus = new CaptureCorpus(folder.resolve("odd"), 4);
        CaptureCorpus tensors = new CaptureCorpus(folder.resolve("tensors"), 4);
        corpus.options = options(null, List.of("layers\\.9\\."), TableColumns.DEFAULT);
        byte[][] values = values(tensors, "F32");
        // The values of a layer that is left out are not read: one byte more moves all values after them.
        TestTable table = table(values, "F32")
                .column(field("sample", UTF8), null, "s", "s", "s", "s")
                .column(field("layer", INT32), 9, 0, 0, 1, 1)
                .column(field("role", UTF8), null, "key", "value", "key", "value")
                .column(list("shape", LIST, INT64), null, SHAPE, SHAPE, SHAPE, SHAPE)
                .column(field("dtype", UTF8), "?", "F32", "F32", "F32", "F32")
                .column(field("data", BINARY), new byte[1], values[0], values[1], values[2], values[3]);
        Merged expected = safetensors(tensors, "F32", values);
        corpus.write(NAME, table.stream());
        assertSame(corpus.whole(), expected);
        assertSame(corpus.cut(corpus.randomCuts(30), 3, true), expected);
    }

    @Test
    void largeValuesAreReadAcrossBlocks() {
        CaptureCorpus corpus = new CaptureCorpus(folder.resolve("table"), 5);
        CaptureCorpus tensors = new CaptureCorpus(folder.resolve("tensors"), 5);
        List<Long> shape = List.of(1L, 2L, 70_000L, 5L);
        byte[] values = corpus.values("F32", 700_000);
        tensors.write(NAME, new SafetensorsWriter().add("layers.1.keys", "F32", shape, values));
        TestTable table = new TestTable()
                .column(field("layer", INT32), 9, 1)
                .column(field("role", UTF8), "k", "key")
                .column(list("shape", LIST, INT64), List.of(), shape)
                .column(field("dtype", UTF8), "F32", "F32")
                .column(field("data", BINARY), new byte[3], values);
        corpus.options = options(null, List.of("layers\\.9\\."), TableColumns.DEFAULT);
        corpus.write(NAME, table.file());
        assertSame(corpus.whole(), tensors.whole());
        assertSame(corpus.cut(corpus.randomCuts(20), 3, true), tensors.whole());
        Configuration raw = new Configuration();
        raw.set("fs.file.impl", RawLocalFileSystem.class.getName());
        raw.setBoolean("fs.file.impl.disable.cache", true);
        corpus.configuration = raw;
        assertSame(corpus.cut(corpus.randomCuts(20), 3, true), tensors.whole());
    }

    @Test
    void offsetsNeedNotBeginAtZero() {
        CaptureCorpus corpus = new CaptureCorpus(folder.resolve("table"), 6);
        CaptureCorpus tensors = new CaptureCorpus(folder.resolve("tensors"), 6);
        byte[][] values = values(tensors, "BF16");
        TestTable table = table(values, "BF16").tampered(root -> {
            VarBinaryVector data = (VarBinaryVector) root.getVector("data");
            byte[] all = new byte[ROWS * values[0].length];
            data.getDataBuffer().getBytes(0, all);
            data.getDataBuffer().setBytes(7, all);
            for (int i = 0; i <= ROWS; i++) {
                data.getOffsetBuffer().setInt(4L * i, 7 + i * values[0].length);
            }
        });
        corpus.write(NAME, table.file());
        assertSame(corpus.whole(), safetensors(tensors, "BF16", values));
    }

    @Test
    void otherColumnsOfAnyTypeAreSkipped() {
        CaptureCorpus corpus = new CaptureCorpus(folder.resolve("table"), 7);
        CaptureCorpus tensors = new CaptureCorpus(folder.resolve("tensors"), 7);
        byte[][] values = values(tensors, "BF16");
        TestTable table = new TestTable();
        Object[] none = new Object[ROWS];
        List<Field> others = List.of(
                field("nothing", ArrowType.Null.INSTANCE),
                field("flag", ArrowType.Bool.INSTANCE),
                field("struct", ArrowType.Struct.INSTANCE, list("a", LIST, F32), field("b", UTF8)),
                field(
                        "dense",
                        new ArrowType.Union(UnionMode.Dense, new int[] {0, 1}),
                        field("x", INT32),
                        field("y", UTF8)),
                field("sparse", new ArrowType.Union(UnionMode.Sparse, new int[] {0}), field("x", INT64)),
                field("view", ArrowType.Utf8View.INSTANCE),
                field("bytes", ArrowType.BinaryView.INSTANCE),
                field("listview", ArrowType.ListView.INSTANCE, field("item", INT32)),
                list("fixed", new ArrowType.FixedSizeList(2), INT32),
                field("decimal", new ArrowType.Decimal(10, 2, 128)));
        others.forEach(other -> table.column(other, none));
        Object[] texts = new Object[ROWS];
        Arrays.fill(texts, "a text that a view does not hold itself");
        table.column(field("filled", ArrowType.Utf8View.INSTANCE), texts);
        fill(table, values, "BF16");
        List.of("nothing", "view", "dense")
                .forEach(name -> table.column(
                        others.stream()
                                .filter(f -> f.getName().equals(name))
                                .findAny()
                                .orElseThrow(),
                        none));
        for (byte[] written : List.of(table.file(), table.stream())) {
            corpus.write(NAME, written);
            assertSame(corpus.whole(), safetensors(tensors, "BF16", values));
        }
    }

    @Test
    void headsAndHeadDimReplaceAShape() {
        CaptureCorpus corpus = new CaptureCorpus(folder.resolve("table"), 8);
        CaptureCorpus tensors = new CaptureCorpus(folder.resolve("tensors"), 8);
        byte[][] values = values(tensors, "BF16");
        TestTable table = table(values, "BF16")
                .without("shape")
                .column(field("h", INT32), 2, 2, 2, 2)
                .column(field("d", INT64), 4, 4, 4, 4);
        corpus.options = options(
                null, List.of(), new TableColumns("sample", "layer", "role", "shape", "h", "d", "dtype", "data"));
        corpus.write(NAME, table.file());
        assertSame(corpus.whole(), safetensors(tensors, "BF16", values));
        corpus.write(
                NAME,
                table.column(field("tokens", INT32), 3, 3, 3, 3)
                        .column(field("position", INT32), 0, 0, 0, 0)
                        .file());
        assertSame(corpus.whole(), safetensors(tensors, "BF16", values));
        corpus.write(NAME, table.column(field("tokens", INT32), 3, 3, 4, 3).file());
        assertThat(what(corpus)).contains("column 'tokens' is 4").contains("record batch 0, row 2");
        corpus.write(
                NAME, table.column(field("tokens", UTF8), "a", "b", "c", "d").file());
        assertSame(corpus.whole(), safetensors(tensors, "BF16", values));
        corpus.options = options(Layout.SHD, List.of(), corpus.options.columns());
        assertThat(corpus.whole().problem()).isNull();
        corpus.write(NAME, table.column(field("d", INT64), 5, 4, 4, 4).file());
        assertThat(what(corpus))
                .contains("holds 48 bytes, which are not whole tokens of 2 heads of 5 in BF16")
                .contains("record batch 0, row 0");
    }

    @Test
    void rowsNameTheirSamplesAndMayBeBatches() {
        CaptureCorpus corpus = new CaptureCorpus(folder, 9);
        byte[][] values = values(corpus, "BF16");
        List<Long> batch = List.of(2L, 2L, 3L, 2L);
        TestTable table = table(values, "BF16")
                .column(field("sample", UTF8), "b", "b", "a/ä", "a/ä")
                .column(field("layer", INT32), 0, 0, 0, 0)
                .column(list("shape", LIST, INT64), batch, batch, batch, batch);
        corpus.write("s.arrow", table.file());
        Merged merged = corpus.whole();
        assertThat(merged.problem()).isNull();
        var keys = Objects.requireNonNull(merged.statistics().slots().get(new Slot(0, Role.KEY)));
        assertThat(keys.samples()).isEqualTo(4);
        assertThat(keys.tokens()).isEqualTo(12);
        assertThat(List.of(new Sample("a/ä", 0), new Sample("a/ä", 1), new Sample("b", 0), new Sample("b", 1)))
                .contains(keys.minSample());
    }

    @Test
    void headersAloneGiveTokensButNoValues() {
        CaptureCorpus corpus = new CaptureCorpus(folder, 10);
        corpus.write("s.arrow", table(values(corpus, "BF16"), "BF16").batches(1).file());
        for (int pieces : new int[] {1, 5}) {
            List<TaskState> outcomes = Split.plan(corpus.files(), pieces).stream()
                    .map(split -> CalibrationTask.run(
                            split,
                            corpus.schemes,
                            StatisticsKind.RANGE,
                            corpus.options,
                            corpus.configuration,
                            CaptureReader.Depth.HEADERS,
                            bytes -> {
                                throw new AssertionError("values were read");
                            }))
                    .toList();
            Merged headers = corpus.merged(outcomes);
            assertThat(headers.geometries()).isEqualTo(corpus.whole().geometries());
            assertThat(headers.statistics().corpus())
                    .isEqualTo(corpus.whole().statistics().corpus());
            headers.statistics().slots().values().forEach(seen -> {
                assertThat(seen.tokens()).isEqualTo(3);
                assertThat(seen.isEmpty()).isTrue();
            });
        }
    }

    @Test
    void headersOfManyBatchesAreReadWithoutTheirValues() {
        CaptureCorpus corpus = new CaptureCorpus(folder, 11);
        int rows = 40;
        Object[] data = new Object[rows];
        Object[] layers = new Object[rows];
        Arrays.fill(data, corpus.values("BF16", 100_000));
        Arrays.setAll(layers, i -> i);
        TestTable table = new TestTable()
                .column(field("layer", INT32), layers)
                .column(field("role", UTF8), Collections.nCopies(rows, "key").toArray())
                .column(
                        list("shape", LIST, INT64),
                        Collections.nCopies(rows, List.of(1L, 1L, 1_000L, 100L)).toArray())
                .column(field("dtype", UTF8), Collections.nCopies(rows, "BF16").toArray())
                .column(field("data", BINARY), data)
                .batches(1);
        for (byte[] written : List.of(table.file(), table.stream())) {
            corpus.write("s.arrow", written);
            FilePiece last = new FilePiece(corpus.files().get(0), written.length - 300_000L, written.length);
            for (CaptureReader.Depth depth : CaptureReader.Depth.values()) {
                CaptureReader reader = new CaptureReader(corpus.options, corpus.configuration, depth, bytes -> {});
                reader.read(last, (slot, position, values) -> {});
                assertThat(reader.readBytes())
                        .isLessThan((depth == CaptureReader.Depth.HEADERS ? 0 : 400_000) + rows * 14_000L);
            }
        }
    }

    @Test
    void theFirstProblemDoesNotDependOnWhereTheFileIsCut() {
        CaptureCorpus corpus = new CaptureCorpus(folder, 12);
        TestTable table = table(values(corpus, "BF16"), "BF16")
                .column(field("sample", UTF8), "d", "c", "b", "a")
                .column(field("dtype", UTF8), "I8", "I8", "BF16", null)
                .batches(1);
        corpus.write("s.arrow", table.file());
        var first = corpus.whole().problem();
        assertThat(Objects.requireNonNull(first).sample()).isEqualTo(new Sample("a", Sample.WHOLE));
        for (int i = 0; i < 20; i++) {
            assertThat(corpus.cut(corpus.randomCuts(9), 4, true).problem()).isEqualTo(first);
        }
        corpus.write("0.safetensors", new byte[9]);
        corpus.write(
                "z.arrow",
                table.column(field("sample", UTF8), "!", "c", "b", "a").file());
        first = corpus.whole().problem();
        assertThat(Objects.requireNonNull(first).sample()).isEqualTo(new Sample("!", Sample.WHOLE));
        for (int i = 0; i < 20; i++) {
            assertThat(corpus.cut(f -> new TreeSet<>(), 3, true).problem()).isEqualTo(first);
        }
    }

    static void assertSame(Merged actual, Merged expected) {
        assertThat(actual.problem()).isNull();
        assertThat(actual.statistics().toByteArray())
                .isEqualTo(expected.statistics().toByteArray());
        assertThat(actual.geometries()).isEqualTo(expected.geometries());
    }

    private static String what(CaptureCorpus corpus) {
        return Objects.requireNonNull(corpus.whole().problem()).message();
    }

    private static CaptureOptions options(@Nullable Layout layout, List<String> ignore, TableColumns columns) {
        return new CaptureOptions(null, null, layout, 0, 0, null, List.of(), ignore, false, columns);
    }

    private static byte[][] values(CaptureCorpus corpus, String dtype) {
        byte[][] values = new byte[ROWS][];
        Arrays.setAll(values, i -> corpus.values(dtype, 24));
        return values;
    }

    /** Two layers of one sample. */
    private static TestTable table(byte[][] values, String dtype) {
        return fill(new TestTable(), values, dtype);
    }

    private static TestTable fill(TestTable table, byte[][] values, String dtype) {
        return table.column(field("sample", UTF8), "s", "s", "s", "s")
                .column(field("layer", INT32), 0, 0, 1, 1)
                .column(field("role", UTF8), "key", "value", "key", "value")
                .column(list("shape", LIST, INT64), SHAPE, SHAPE, SHAPE, SHAPE)
                .column(field("dtype", UTF8), dtype, dtype, dtype, dtype)
                .column(field("data", BINARY), (Object[]) values);
    }

    private static Merged safetensors(CaptureCorpus corpus, String dtype, byte[][] values) {
        SafetensorsWriter writer = new SafetensorsWriter();
        for (int i = 0; i < ROWS; i++) {
            writer.add("layers." + i / 2 + (i % 2 == 0 ? ".keys" : ".values"), dtype, SHAPE, values[i]);
        }
        corpus.write(NAME, writer);
        return corpus.whole();
    }
}
