package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.stream.Stream;
import org.apache.parquet.format.FieldRepetitionType;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.SchemaElement;
import org.apache.parquet.format.Type;
import org.apache.parquet.format.Util;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.UserDefinedType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Parquet files whose footers and pages promise too much, or name classes. */
@Timeout(120)
class HostileParquetTest {
    private static final String SPARK_SCHEMA = "org.apache.spark.sql.parquet.row.metadata";

    @TempDir
    private Path work;

    private byte[] sound = {};

    @BeforeEach
    void writeATable() throws IOException {
        SharedSpark.context();
        Path table = Table.parquet(Table.of(Table.rows(2, 2), Table.SCHEMA), 1, work.resolve("table"));
        try (Stream<Path> files = Files.list(table)) {
            sound = Files.readAllBytes(files.filter(f -> f.toString().endsWith(".parquet"))
                    .findFirst()
                    .orElseThrow());
        }
        Instantiated.count = 0;
    }

    /** A class that a file names. */
    public static final class Instantiated extends UserDefinedType<Object> {
        private static final long serialVersionUID = 1L;
        private static int count;

        public Instantiated() {
            count++;
        }

        @Override
        public DataType sqlType() {
            return DataTypes.StringType;
        }

        @Override
        public Object serialize(Object value) {
            return value;
        }

        @Override
        public Object deserialize(Object value) {
            return value;
        }

        @Override
        public Class<Object> userClass() {
            return Object.class;
        }
    }

    private static int footerLength(byte[] file) {
        return ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getInt(file.length - 8);
    }

    private byte[] withFooter(byte[] footer) {
        int start = sound.length - 8 - footerLength(sound);
        return ByteBuffer.allocate(start + footer.length + 8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(sound, 0, start)
                .put(footer)
                .putInt(footer.length)
                .put("PAR1".getBytes(StandardCharsets.US_ASCII))
                .array();
    }

    private byte[] changed(Consumer<FileMetaData> change) throws IOException {
        int length = footerLength(sound);
        byte[] footer = Arrays.copyOfRange(sound, sound.length - 8 - length, sound.length - 8);
        FileMetaData meta = Util.readFileMetaData(new ByteArrayInputStream(footer));
        change.accept(meta);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Util.writeFileMetaData(meta, out);
        return withFooter(out.toByteArray());
    }

    /** Adds columns after the others, all or each inside the one before it, and removes Spark's own schema. */
    private byte[] withColumns(int columns, boolean nested) throws IOException {
        return changed(meta -> {
            List<SchemaElement> schema = new ArrayList<>(meta.getSchema());
            schema.get(0).setNum_children(schema.get(0).getNum_children() + (nested ? 1 : columns));
            for (int i = 0; i < columns; i++) {
                SchemaElement column = new SchemaElement("c" + i);
                column.setRepetition_type(FieldRepetitionType.OPTIONAL);
                if (nested && i < columns - 1) {
                    column.setNum_children(1);
                } else {
                    column.setType(Type.INT32);
                }
                schema.add(column);
            }
            meta.setSchema(schema);
            meta.unsetKey_value_metadata();
        });
    }

    private Path input(byte[]... files) throws IOException {
        Path input = Files.createDirectories(work.resolve("in"));
        for (int i = 0; i < files.length; i++) {
            Files.write(input.resolve((char) ('a' + i) + ".parquet"), files[i]);
        }
        return input;
    }

    private Cli calibrate(byte[]... files) throws IOException {
        return Cli.run(
                "calibrate",
                "--recipe",
                Folder.FP8,
                "--input",
                input(files),
                "--output",
                work.resolve("out"),
                "--overwrite");
    }

    private String scales() {
        return Folder.text(work.resolve("out/kv_scales.json"));
    }

    @Test
    void aClassNamedInTheFooterIsNotCreated() throws IOException {
        calibrate(sound).isDone();
        String expected = scales();
        String udt = "{\"type\":\"udt\",\"class\":\"" + Instantiated.class.getName()
                + "\",\"pyClass\":null,\"sqlType\":\"string\"}";
        byte[] named = changed(meta -> meta.getKey_value_metadata().stream()
                .filter(pair -> pair.getKey().equals(SPARK_SCHEMA))
                .forEach(pair ->
                        pair.setValue(pair.getValue().replaceFirst("\"string\"", Matcher.quoteReplacement(udt)))));
        assertThat(new String(named, StandardCharsets.ISO_8859_1)).contains(Instantiated.class.getName());
        calibrate(named).isDone();
        assertThat(scales()).isEqualTo(expected);
        assertThat(Instantiated.count).isZero();
    }

    /** Lists and texts that are longer than the file. */
    @Test
    void lengthsBeyondTheFooterAreRefused() throws IOException {
        byte[] list = {0x15, 0x02, 0x19, (byte) 0xfc, (byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0xff, 0x07};
        byte[] millions = {0x15, 0x02, 0x19, (byte) 0xfc, (byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0x27};
        byte[] text = {0x15, 0x02, 0x19, 0x1c, 0x48, (byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0xff, 0x07};
        for (byte[] footer : List.of(list, millions, text)) {
            calibrate(withFooter(footer)).fails(ExitCode.DATA, "footer is damaged", "a.parquet");
        }
        byte[] longer = sound.clone();
        ByteBuffer.wrap(longer).order(ByteOrder.LITTLE_ENDIAN).putInt(longer.length - 8, Integer.MAX_VALUE);
        calibrate(longer).fails(ExitCode.DATA, "cut short", "a.parquet");
    }

    /** Each level takes some of the stack of the tasks; Spark ends the JVM when it overflows. */
    @Test
    void nestingAndColumnsAreBounded() throws IOException {
        Column deep = functions.lit(1);
        for (int i = 0; i < 30; i++) {
            deep = functions.struct(deep.as("c" + i));
        }
        Path nested = Table.parquet(
                Table.of(Table.rows(2, 2), Table.SCHEMA).withColumn("deep", deep), 1, work.resolve("nested"));
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", nested, "--output", work.resolve("out"))
                .isDone();
        for (int depth : new int[] {40, 1_000, 9_000}) {
            // The first file gives the schema, but tasks read the footers of all.
            calibrate(sound, withColumns(depth, true)).fails(ExitCode.DATA, "nested more than 32 deep", "b.parquet");
        }
        calibrate(withColumns(100_000, false)).fails(ExitCode.DATA, "columns and fields, at most 10000", "a.parquet");
    }

    @Test
    void textsAreCheckedToo() throws IOException {
        Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.FP8,
                        "--model",
                        Path.of(System.getProperty("kvscale.top", ".."), "conf/tiny-model"),
                        "--text",
                        input(withColumns(1_000, true)),
                        "--output",
                        work.resolve("out"))
                .fails(ExitCode.DATA, "nested more than 32 deep", "a.parquet");
    }
}
