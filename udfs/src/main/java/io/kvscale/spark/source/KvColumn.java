package io.kvscale.spark.source;

import java.util.Arrays;
import java.util.Locale;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** The columns of {@code kvtensors}. A row is one sample, layer and role, or a range of its tokens. */
enum KvColumn {
    /** {@code name#row} in a batch of several rows. Null if an Arrow table gives no name. */
    SAMPLE(DataTypes.StringType, "name of the sample"),
    LAYER(DataTypes.IntegerType, "layer, from 0"),
    ROLE(DataTypes.StringType, "key or value"),
    HEADS(DataTypes.IntegerType, "KV heads"),
    HEAD_DIM(DataTypes.IntegerType, "values per head and token"),
    TOKENS(DataTypes.IntegerType, "tokens of this row, without padding"),
    DTYPE(DataTypes.StringType, "F32, BF16 or F16"),
    DATA(DataTypes.BinaryType, "values [heads, tokens, head_dim], row-major, little endian, without padding"),
    /** Above 0 only if the sample was cut into several rows. */
    POSITION(DataTypes.IntegerType, "first token of this row in its sample");

    private final DataType type;
    private final String comment;

    KvColumn(DataType type, String comment) {
        this.type = type;
        this.comment = comment;
    }

    String column() {
        return name().toLowerCase(Locale.ROOT);
    }

    static KvColumn named(String column) {
        return valueOf(column.toUpperCase(Locale.ROOT));
    }

    static StructType schema() {
        return new StructType(Arrays.stream(values())
                .map(c -> new StructField(c.column(), c.type, c == SAMPLE, Metadata.empty()).withComment(c.comment))
                .toArray(StructField[]::new));
    }
}
