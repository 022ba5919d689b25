package io.kvscale.spark.functions;

import io.kvscale.numeric.Dtype;
import io.kvscale.spark.TestSpark;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/** Tables of K and V tensors for tests. */
final class TensorTable {
    static final StructType SCHEMA = StructType.fromDDL(
            "layer INT, role STRING, dtype STRING, heads INT, head_dim INT, data BINARY, sample STRING");
    static final String CALL = "kv_stats_agg(layer, role, dtype, heads, head_dim, data, sample)";

    static final String HISTOGRAM = CALL.replace(")", ", 'histogram')");

    private TensorTable() {}

    static Row row(Slot slot, Dtype dtype, int heads, int headDim, byte[] data, @Nullable String sample) {
        return RowFactory.create(slot.layer(), slot.role().word(), dtype.name(), heads, headDim, data, sample);
    }

    /** Samples of every layer and role, of a few tokens each; some values are NaN or infinite if {@code wild}. */
    static List<Row> random(long seed, int layers, int samples, Dtype dtype, int heads, int headDim, boolean wild) {
        Random random = new Random(seed);
        List<Row> rows = new ArrayList<>();
        for (int sample = 0; sample < samples; sample++) {
            int tokens = 1 + random.nextInt(4);
            for (int layer = 0; layer < layers; layer++) {
                for (Role role : Role.CACHED) {
                    byte[] data = values(random, dtype, tokens * heads * headDim, wild);
                    rows.add(row(new Slot(layer, role), dtype, heads, headDim, data, "s" + sample % 7));
                }
            }
        }
        return rows;
    }

    static byte[] values(Random random, Dtype dtype, int count, boolean wild) {
        ByteBuffer values = ByteBuffer.allocate(count * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        while (values.hasRemaining()) {
            float x = (float) random.nextGaussian();
            if (wild && random.nextInt(50) == 0) {
                x = random.nextBoolean() ? Float.NaN : Float.NEGATIVE_INFINITY;
            }
            put(values, dtype, x);
        }
        return values.array();
    }

    static byte[] bytes(Dtype dtype, float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (float x : values) {
            put(bytes, dtype, x);
        }
        return bytes.array();
    }

    private static void put(ByteBuffer to, Dtype dtype, float x) {
        int bits = dtype.fromFloat(x);
        if (dtype == Dtype.F32) {
            to.putInt(bits);
        } else {
            to.putShort((short) bits);
        }
    }

    static Dataset<Row> table(List<Row> rows) {
        return TestSpark.session().createDataFrame(rows, SCHEMA);
    }

    /** The statistics of all rows of a table. */
    static byte[] statistics(Dataset<Row> table) {
        return (byte[]) table.selectExpr(CALL).head().get(0);
    }
}
