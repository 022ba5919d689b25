package io.kvscale.job;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;

/** Builds tables of K and V, and captures of the same values. Every supported dtype holds the values exactly. */
public final class Table {
    /** Columns with the default names. */
    public static final String SCHEMA =
            "sample string, layer int, role string, shape array<bigint>, dtype string, data binary";

    public static final String FLOATS =
            "sample string, layer int, role string, shape array<bigint>, dtype string, data array<float>";
    public static final int HEADS = 2;
    public static final int HEAD_DIM = 32;

    private Table() {}

    public static SparkSession session() {
        return org.apache.spark.sql.classic.SparkSession.builder()
                .sparkContext(SharedSpark.context().sc())
                .getOrCreate();
    }

    /** The number of tokens of a sample. */
    public static int tokens(int sample) {
        return 3 + 2 * sample;
    }

    /** BF16 values of a sample, layer and role. */
    public static byte[] data(int sample, int layer, String role) {
        return values(sample, layer, role, "BF16", HEADS * tokens(sample) * HEAD_DIM);
    }

    private static byte[] values(int sample, int layer, String role, String dtype, int count) {
        var random = Capture.random(1000L * sample + 10L * layer + (role.equals("key") ? 0 : 1));
        ByteBuffer bytes = ByteBuffer.allocate(count * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            Capture.put(bytes, dtype, random.applyAsDouble(i));
        }
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    public static String name(int sample) {
        return String.format(Locale.ROOT, "sample-%02d", sample);
    }

    public static List<Long> shape(int sample) {
        return List.of(1L, (long) HEADS, (long) tokens(sample), (long) HEAD_DIM);
    }

    /** Rows of {@link #SCHEMA}. */
    public static List<Row> rows(int samples, int layers) {
        List<Row> rows = new ArrayList<>();
        for (int sample = 0; sample < samples; sample++) {
            for (int layer = 0; layer < layers; layer++) {
                for (String role : List.of("key", "value")) {
                    rows.add(RowFactory.create(
                            name(sample), layer, role, shape(sample), "BF16", data(sample, layer, role)));
                }
            }
        }
        return rows;
    }

    /** Rows of {@link #FLOATS}. */
    public static List<Row> floatRows(int samples, int layers) {
        return rows(samples, layers).stream()
                .map(row -> {
                    byte[] bf16 = row.getAs(5);
                    List<Float> floats = new ArrayList<>();
                    ByteBuffer bits = ByteBuffer.wrap(bf16).order(ByteOrder.LITTLE_ENDIAN);
                    while (bits.hasRemaining()) {
                        floats.add(Float.intBitsToFloat(bits.getShort() << 16));
                    }
                    return RowFactory.create(row.get(0), row.get(1), row.get(2), row.get(3), null, floats);
                })
                .toList();
    }

    /** Writes the same K and V as safetensors files. */
    public static Path captures(Path folder, int samples, int layers, String dtype) {
        for (int sample = 0; sample < samples; sample++) {
            Capture capture = new Capture();
            for (int layer = 0; layer < layers; layer++) {
                for (String role : List.of("key", "value")) {
                    int count = HEADS * tokens(sample) * HEAD_DIM;
                    capture.raw(
                            "layers." + layer + "." + role + "s",
                            dtype,
                            shape(sample),
                            values(sample, layer, role, dtype, count));
                }
            }
            capture.write(folder.resolve(name(sample) + ".safetensors"));
        }
        return folder;
    }

    public static Dataset<Row> of(List<Row> rows, String schema) {
        return session().createDataFrame(rows, org.apache.spark.sql.types.StructType.fromDDL(schema));
    }

    /** Writes Parquet files. */
    public static Path parquet(Dataset<Row> table, int files, Path folder) {
        table.repartition(files).write().parquet(folder.toString());
        return folder;
    }
}
