package io.kvscale.job.corpus.read;

import java.nio.charset.StandardCharsets;
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

/** Turns one of Spark's rows into a record. */
final class TextTableRow {
    /** Number of characters of the row that messages show. */
    private static final int SHOWN = 80;

    private TextTableRow() {}

    /**
     * The record of a row. Spark's JSON replaces invalid UTF-8, so the columns themselves are checked.
     *
     * @param table its name in messages
     * @param row the JSON, then the columns that it was made of as a struct
     * @param columns the type of that struct
     */
    static RawRecord record(String table, InternalRow row, StructType columns) {
        byte[] json = row.getUTF8String(0).getBytes();
        String text = new String(json, StandardCharsets.UTF_8);
        String begin = text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
        RawRecord.Kind kind = json.length > RawRecord.MAX_BYTES
                ? RawRecord.Kind.TOO_LONG
                : isUtf8(row, 1, columns) ? RawRecord.Kind.ROW : RawRecord.Kind.NOT_UTF8;
        return new RawRecord("", table + ", row " + begin, kind, json);
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
