package io.kvscale.capture;

import static io.kvscale.arrow.TestTable.BINARY;
import static io.kvscale.arrow.TestTable.F32;
import static io.kvscale.arrow.TestTable.INT32;
import static io.kvscale.arrow.TestTable.INT64;
import static io.kvscale.arrow.TestTable.LIST;
import static io.kvscale.arrow.TestTable.UTF8;
import static io.kvscale.arrow.TestTable.field;
import static io.kvscale.arrow.TestTable.list;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.flatbuffers.FlatBufferBuilder;
import io.kvscale.arrow.TestTable;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.Layout;
import io.kvscale.capture.layout.TableColumns;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.tensor.InvalidDataException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.arrow.flatbuf.Endianness;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.ipc.WriteChannel;
import org.apache.arrow.vector.ipc.message.ArrowBodyCompression;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.ipc.message.MessageSerializer;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Any bytes in place of an Arrow table are either read or refused with a message. */
class HostileArrowTest {
    private static final List<Long> SHAPE = List.of(1L, 1L, 2L, 2L);

    @TempDir
    Path folder;

    private CaptureOptions options = CaptureOptions.defaults();

    /** One row. */
    private static TestTable table() {
        return new TestTable()
                .column(field("sample", UTF8), "s")
                .column(field("layer", INT32), 3)
                .column(field("role", UTF8), "key")
                .column(list("shape", LIST, INT64), SHAPE)
                .column(field("dtype", UTF8), "BF16")
                .column(field("data", BINARY), new byte[8]);
    }

    static Stream<Arguments> refused() {
        return Stream.of(
                row(field("layer", INT32), null, "column 'layer' of record batch 0, row 0 is null"),
                row(field("layer", INT32), 10_000, "row 0 is layer 10000"),
                row(field("layer", INT32), -1, "row 0 is layer -1"),
                row(field("layer", UTF8), "3", "column 'layer' has type utf8, expected an integer type"),
                row(field("layer", F32), 3, "column 'layer' has type float32"),
                row(field("role", UTF8), null, "column 'role' of record batch 0, row 0 is null"),
                row(field("role", UTF8), "latent", "is 'latent', expected key or value"),
                row(field("role", INT32), 0, "column 'role' has type int32"),
                row(field("role", ArrowType.Utf8View.INSTANCE), null, "column 'role' has type string_view"),
                row(field("sample", UTF8), "x".repeat(70_000), "holds 70000 bytes of text"),
                row(list("shape", LIST, INT64), null, "column 'shape' of record batch 0, row 0 is null"),
                row(list("shape", LIST, INT64), Arrays.asList(1L, null, 2L, 2L), "has nulls in its lists"),
                row(list("shape", LIST, INT64), List.of(1L, -1L, 2L, 2L), "row 0 is [1, -1, 2, 2]"),
                row(list("shape", LIST, INT64), List.of(1, 1, 1, 1, 1, 1, 1, 1, 4), "has 9 dimensions"),
                row(list("shape", LIST, INT64), List.of(1L, 1L, 0L, 2L), "shape [1, 1, 0, 2] holds no values"),
                row(list("shape", LIST, INT64), List.of(), "shape [] does not fit K or V"),
                row(
                        list("shape", LIST, INT64),
                        List.of(2_000_000_000L, 100L, 2_000_000_000L, 1L),
                        "holds 8 bytes, which do not fit shape [2000000000, 100, 2000000000, 1] of BF16"),
                row(list("shape", LIST, F32), List.of(1, 1, 2, 2), "column 'shape' has type list<float32>"),
                row(field("dtype", UTF8), null, "column 'dtype' of record batch 0, row 0 is null"),
                row(field("dtype", UTF8), "I8", "already quantized (I8)"),
                row(field("dtype", UTF8), "F64", "dtype F64 is not one of F32, BF16, F16"),
                row(field("dtype", UTF8), "F32", "holds 8 bytes, which do not fit shape [1, 1, 2, 2] of F32"),
                row(
                        list("data", LIST, F32),
                        List.of(1, 2, 3, 4),
                        "row 0 is 'BF16', but the column 'data' is a list of F32"),
                row(
                        list("data", LIST, F32),
                        Arrays.asList(1, null, 3, 4),
                        "column 'data' of record batch 0 has nulls in its lists"),
                row(list("data", LIST, INT32), List.of(1, 2, 3, 4), "column 'data' has type list<int32>"),
                row(field("data", BINARY), null, "column 'data' of record batch 0, row 0 is null"),
                row(field("data", BINARY), new byte[7], "holds 7 bytes, which do not fit shape"),
                row(field("data", BINARY), new byte[0], "holds 0 bytes, which do not fit shape"),
                row(field("data", ArrowType.BinaryView.INSTANCE), null, "column 'data' has type binary_view"));
    }

    private static Arguments row(Field column, Object value, String expected) {
        return Arguments.of(column, value, expected);
    }

    @ParameterizedTest
    @MethodSource("refused")
    void aBadRowIsRefusedByColumnBatchAndRow(Field column, Object value, String expected) {
        assertRefused(table().column(column, value).file(), expected);
        assertRefused(table().column(column, value).stream(), expected);
    }

    @Test
    void aTableWithoutTheColumnsIsRefused() {
        assertRefused(
                table().without("layer").without("data").file(), "has no column 'layer', 'data'; it has sample, role");
        assertRefused(table().without("shape").file(), "has no column 'shape'");
        assertRefused(table().without("shape").column(field("heads", INT32), 1).file(), "has no column 'head_dim'");
        assertRefused(table().without("dtype").file(), "has no column 'dtype'");
        assertRefused(table().without("dtype").file(), "kvscale: columns:");
        options = new CaptureOptions(
                null, null, Layout.THD2, 0, 0, null, List.of(), List.of(), false, TableColumns.DEFAULT);
        assertRefused(table().file(), "layout: 2THD is for tensors that hold K and V; a table row holds one of them");
    }

    @Test
    void aTableWithoutRowsIsRefused() {
        TestTable none = new TestTable();
        for (Field column :
                List.of(field("layer", INT32), field("role", UTF8), field("dtype", UTF8), field("data", BINARY))) {
            none.column(column);
        }
        none.column(list("shape", LIST, INT64));
        assertRefused(none.file(), "the table has no rows");
        assertRefused(none.stream(), "the table has no rows");
        // Batches without rows come before one with some, and alone.
        assertThat(read(table().batches(0, 0, 1).file())).isEqualTo(1);
        assertThat(read(table().batches(0, 0, 1).stream())).isEqualTo(1);
    }

    @Test
    void duplicateRowsCountTwiceInAnyBatches() throws IOException {
        for (int[] batches : new int[][] {{3}, {1, 2}, {1, 1, 1}}) {
            TestTable twice = slotTwice().column(field("sample", UTF8), "s", "s", "s");
            assertThat(read(twice.batches(batches).file())).isEqualTo(3);
        }
    }

    private static TestTable slotTwice() {
        return new TestTable()
                .column(field("layer", INT32), 3, 4, 3)
                .column(field("role", UTF8), "key", "key", "K")
                .column(list("shape", LIST, INT64), SHAPE, SHAPE, SHAPE)
                .column(field("dtype", UTF8), "F16", "F16", "F16")
                .column(field("data", BINARY), new byte[8], new byte[8], new byte[8]);
    }

    @Test
    void unsupportedFormsAreRefusedWithARemedy() throws IOException {
        Field plain = field("layer", INT32);
        Field dictionary =
                new Field("role", new FieldType(true, UTF8, new DictionaryEncoding(1, false, null)), List.of());
        assertRefused(schema(plain, dictionary, field("data", BINARY)), "column 'role' is dictionary-encoded");
        assertRefused(schema(plain, plain, field("role", UTF8)), "two columns are named 'layer'");
        Field deep = field("deep", INT32);
        for (int i = 0; i < 100; i++) {
            deep = field("deep", ArrowType.Struct.INSTANCE, deep);
        }
        assertRefused(schema(deep), "at most 100000 fields and 64 levels");
        assertRefused(bigEndian(), "the table is big-endian");
        assertRefused(compressed(), "is compressed");
        assertRefused(compressed(), "IpcWriteOptions(compression=None)");
        byte[] stream = table().stream();
        assertRefused(Arrays.copyOf(stream, stream.length + 8), "the Arrow stream ends at byte");
        byte[] old = Arrays.copyOfRange(stream, 4, stream.length);
        assertRefused(old, "in the format before Arrow 0.15");
    }

    @Test
    void decreasingOffsetsAreRefused() {
        assertRefused(
                table().tampered(root -> ((VarBinaryVector) root.getVector("data"))
                                .getOffsetBuffer()
                                .setInt(0, 9))
                        .file(),
                "column 'data' of record batch 0 has decreasing offsets: 9 before 8");
        assertRefused(
                table().tampered(root -> root.getVector("role").getDataBuffer().setByte(0, 0xff))
                        .file(),
                "holds text that is not UTF-8");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyCorruptByteIsReadOrRefused(boolean file) {
        byte[] sound = small(file);
        Random random = new Random(5);
        Reading reading = new Reading(folder, options);
        for (int at = 0; at < sound.length; at++) {
            for (int flip : new int[] {0x80, 1 + random.nextInt(255)}) {
                byte[] damaged = sound.clone();
                damaged[at] ^= (byte) flip;
                reading.tolerant(damaged);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyCorruptWordIsReadOrRefused(boolean file) {
        byte[] sound = small(file);
        Reading reading = new Reading(folder, options);
        int[] words = {0, -1, Integer.MAX_VALUE, Integer.MIN_VALUE, 1 << 24, sound.length, -8};
        for (int at = 0; at + 4 <= sound.length; at += 4) {
            for (int word : words) {
                byte[] damaged = sound.clone();
                java.nio.ByteBuffer.wrap(damaged)
                        .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                        .putInt(at, word);
                reading.tolerant(damaged);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyTruncationIsReadOrRefused(boolean file) {
        byte[] sound = small(file);
        Reading reading = new Reading(folder, options);
        for (int length = 0; length < sound.length; length++) {
            byte[] cut = Arrays.copyOf(sound, length);
            if (file) {
                assertThatThrownBy(() -> reading.read(cut, cut.length)).isInstanceOf(InvalidDataException.class);
            } else {
                reading.tolerant(cut);
            }
            assertThatThrownBy(() -> reading.read(cut, sound.length)).isInstanceOf(InvalidDataException.class);
        }
    }

    private static byte[] small(boolean file) {
        TestTable table = new TestTable()
                .column(field("more", ArrowType.Utf8View.INSTANCE), "a text that is not kept inline", null)
                .column(field("sample", UTF8), null, "s")
                .column(field("layer", INT32), 3, 4)
                .column(field("role", UTF8), "key", "K")
                .column(list("shape", LIST, INT64), SHAPE, SHAPE)
                .column(field("data", new ArrowType.FixedSizeList(4), field("item", F32)), new byte[16], new byte[16])
                .batches(1);
        return file ? table.file() : table.stream();
    }

    private void assertRefused(byte[] table, String expected) {
        assertThatThrownBy(() -> read(table))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining(expected)
                .hasMessageContaining("file t.arrow");
    }

    private int read(byte[] table) {
        return new Reading(folder, options).read(table, table.length);
    }

    private static byte[] schema(Field... fields) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        MessageSerializer.serialize(new WriteChannel(Channels.newChannel(bytes)), new Schema(List.of(fields)));
        return bytes.toByteArray();
    }

    private static byte[] bigEndian() throws IOException {
        FlatBufferBuilder builder = new FlatBufferBuilder();
        int fields = org.apache.arrow.flatbuf.Schema.createFieldsVector(builder, new int[0]);
        int schema = org.apache.arrow.flatbuf.Schema.createSchema(builder, Endianness.Big, fields, 0, 0);
        builder.finish(Message.createMessage(builder, MetadataVersion.V5, MessageHeader.Schema, schema, 0, 0));
        byte[] message = builder.sizedByteArray();
        java.nio.ByteBuffer framed = java.nio.ByteBuffer.allocate(8 + message.length)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .putInt(-1)
                .putInt(message.length)
                .put(message);
        return framed.array();
    }

    private static byte[] compressed() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        WriteChannel out = new WriteChannel(Channels.newChannel(bytes));
        MessageSerializer.serialize(
                out,
                new Schema(List.of(
                        field("layer", INT32),
                        field("role", UTF8),
                        list("shape", LIST, INT64),
                        list("data", LIST, F32))));
        try (ArrowRecordBatch batch =
                new ArrowRecordBatch(1, List.of(), List.of(), new ArrowBodyCompression((byte) 0, (byte) 0), true)) {
            MessageSerializer.serialize(out, batch);
        }
        return bytes.toByteArray();
    }

    /** One reader for many files, as in a task. */
    private static final class Reading {
        private final Path path;
        private final CaptureReader reader;

        Reading(Path folder, CaptureOptions options) {
            this.path = folder.resolve("t.arrow");
            this.reader = new CaptureReader(options, new Configuration(), CaptureReader.Depth.VALUES, bytes -> {});
        }

        /** @return the number of chunks */
        int read(byte[] bytes, int listed) {
            try {
                Files.write(path, bytes);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            int[] chunks = {0};
            InputFile file = new InputFile(path.toString(), "t.arrow", "t", listed);
            reader.read(new FilePiece(file, 0, listed), (slot, position, values) -> chunks[0]++);
            return chunks[0];
        }

        void tolerant(byte[] bytes) {
            try {
                read(bytes, bytes.length);
            } catch (InvalidDataException e) {
                assertThat(e.getMessage()).contains("file t.arrow");
            }
        }
    }
}
