package io.kvscale.job.corpus.read;

import java.util.stream.IntStream;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.SpecializedGetters;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.catalyst.util.MapData;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructType;

/**
 * A row of Spark's.
 *
 * @param json its text columns as a JSON object, in UTF-8
 * @param isUtf8 whether all text in them is UTF-8; where not, the JSON has replaced some
 */
record TextTableRow(byte[] json, boolean isUtf8) {
    /** @param row the JSON, and the columns that it was made of, as a struct of that type */
    static TextTableRow of(InternalRow row, StructType columns) {
        return new TextTableRow(row.getUTF8String(0).getBytes(), isUtf8(row, 1, columns));
    }

    private static boolean isUtf8(SpecializedGetters in, int at, DataType type) {
        if (in.isNullAt(at)) {
            return true;
        } else if (type instanceof StringType) {
            return in.getUTF8String(at).isValid();
        } else if (type instanceof StructType struct) {
            InternalRow fields = in.getStruct(at, struct.size());
            return IntStream.range(0, struct.size()).allMatch(i -> isUtf8(fields, i, struct.fields()[i].dataType()));
        } else if (type instanceof ArrayType array) {
            return isUtf8(in.getArray(at), array.elementType());
        } else if (type instanceof MapType map) {
            MapData entries = in.getMap(at);
            return isUtf8(entries.keyArray(), map.keyType()) && isUtf8(entries.valueArray(), map.valueType());
        }
        return true;
    }

    private static boolean isUtf8(ArrayData items, DataType type) {
        return IntStream.range(0, items.numElements()).allMatch(i -> isUtf8(items, i, type));
    }
}
