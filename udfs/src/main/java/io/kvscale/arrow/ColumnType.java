package io.kvscale.arrow;

import java.util.Locale;
import org.apache.arrow.flatbuf.Field;
import org.apache.arrow.flatbuf.FixedSizeBinary;
import org.apache.arrow.flatbuf.FixedSizeList;
import org.apache.arrow.flatbuf.FloatingPoint;
import org.apache.arrow.flatbuf.Int;
import org.apache.arrow.flatbuf.Precision;
import org.apache.arrow.flatbuf.Type;
import org.jspecify.annotations.Nullable;

/**
 * The buffers of a column with a supported type: every row is a run of elements.
 *
 * @param offsetBytes width of the row offsets, 4 or 8; 0 if every row has {@code perRow} elements
 * @param nested whether the elements are in a child, which has its own node and validity buffer
 * @param bytes bytes of one element
 */
record ColumnType(int offsetBytes, int perRow, boolean nested, Element element, int bytes) {
    enum Element {
        BYTE,
        TEXT,
        SIGNED,
        UNSIGNED,
        FLOAT
    }

    /** The type of a field that is not dictionary-encoded; null if no column accepts it. */
    static @Nullable ColumnType of(Field field) {
        return switch (field.typeType()) {
            case Type.Int -> scalar(field);
            case Type.Utf8 -> new ColumnType(4, 0, false, Element.TEXT, 1);
            case Type.LargeUtf8 -> new ColumnType(8, 0, false, Element.TEXT, 1);
            case Type.Binary -> new ColumnType(4, 0, false, Element.BYTE, 1);
            case Type.LargeBinary -> new ColumnType(8, 0, false, Element.BYTE, 1);
            case Type.FixedSizeBinary -> new ColumnType(0, width(field), false, Element.BYTE, 1);
            case Type.List -> list(field, 4, 0);
            case Type.LargeList -> list(field, 8, 0);
            case Type.FixedSizeList -> list(field, 0, size(field));
            default -> null;
        };
    }

    /** Whether a column accepts this type. */
    boolean suits(Column.Holds holds) {
        boolean integer = element == Element.SIGNED || element == Element.UNSIGNED;
        return switch (holds) {
            case TEXT -> element == Element.TEXT;
            case INTEGER -> integer && !nested;
            case INTEGERS -> integer && nested;
            case VALUES -> element == Element.BYTE || element == Element.FLOAT;
        };
    }

    /** The number of buffers before the one that holds the elements. */
    int buffersBefore() {
        return (offsetBytes > 0 ? 2 : 1) + (nested ? 1 : 0);
    }

    private static @Nullable ColumnType scalar(Field field) {
        if (field.typeType() == Type.Int) {
            Int type = (Int) field.type(new Int());
            int bits = type.bitWidth();
            if (bits != 8 && bits != 16 && bits != 32 && bits != 64) {
                throw Refusals.damaged("expected an integer type of 8, 16, 32 or 64 bits, got " + bits);
            }
            return new ColumnType(0, 1, false, type.isSigned() ? Element.SIGNED : Element.UNSIGNED, bits / 8);
        }
        if (field.typeType() == Type.FloatingPoint) {
            return switch (((FloatingPoint) field.type(new FloatingPoint())).precision()) {
                case Precision.HALF -> new ColumnType(0, 1, false, Element.FLOAT, 2);
                case Precision.SINGLE -> new ColumnType(0, 1, false, Element.FLOAT, 4);
                default -> null;
            };
        }
        return null;
    }

    private static @Nullable ColumnType list(Field field, int offsetBytes, int perRow) {
        if (field.childrenLength() != 1) {
            throw Refusals.damaged("expected a list type with 1 child, got " + field.childrenLength());
        }
        Field child = field.children(0);
        ColumnType of = child.dictionary() != null ? null : scalar(child);
        return of == null ? null : new ColumnType(offsetBytes, perRow, true, of.element, of.bytes);
    }

    private static int width(Field field) {
        return notNegative(((FixedSizeBinary) field.type(new FixedSizeBinary())).byteWidth());
    }

    private static int size(Field field) {
        return notNegative(((FixedSizeList) field.type(new FixedSizeList())).listSize());
    }

    private static int notNegative(int size) {
        if (size < 0) {
            throw Refusals.damaged("expected a type of size 0 or more, got " + size);
        }
        return size;
    }

    /** The name of a field's type for messages, as in pyarrow. */
    static String name(Field field) {
        return switch (field.typeType()) {
            case Type.Int -> {
                Int type = (Int) field.type(new Int());
                yield (type.isSigned() ? "int" : "uint") + type.bitWidth();
            }
            case Type.FloatingPoint -> {
                short precision = ((FloatingPoint) field.type(new FloatingPoint())).precision();
                yield "float" + (precision == Precision.HALF ? 16 : precision == Precision.SINGLE ? 32 : 64);
            }
            case Type.LargeUtf8 -> "large_utf8";
            case Type.LargeBinary -> "large_binary";
            case Type.FixedSizeBinary -> "fixed_size_binary";
            case Type.Utf8View -> "string_view";
            case Type.BinaryView -> "binary_view";
            case Type.RunEndEncoded -> "run_end_encoded";
            case Type.List -> "list" + child(field);
            case Type.LargeList -> "large_list" + child(field);
            case Type.FixedSizeList -> "fixed_size_list" + child(field);
            case Type.ListView -> "list_view" + child(field);
            case Type.LargeListView -> "large_list_view" + child(field);
            case Type.Struct_ -> "struct";
            default -> Type.name(field.typeType()).toLowerCase(Locale.ROOT);
        };
    }

    private static String child(Field field) {
        if (field.childrenLength() != 1) {
            return "";
        }
        Field child = field.children(0);
        // Only one level: types of an untrusted file may be nested without end.
        boolean scalar = child.typeType() == Type.Int || child.typeType() == Type.FloatingPoint;
        return "<" + (scalar ? name(child) : Type.name(child.typeType()).toLowerCase(Locale.ROOT)) + ">";
    }
}
