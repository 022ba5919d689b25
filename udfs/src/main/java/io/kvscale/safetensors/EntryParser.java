package io.kvscale.safetensors;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads and checks the entries of tensors, such as {@code {"dtype":"BF16","shape":[1,3,60,64],"data_offsets":[0,23040]}}. */
final class EntryParser {
    static final int MAX_RANK = 8;

    private final JsonParser json;
    private final long dataStart;
    private final long dataLength;
    private String name = "";

    EntryParser(JsonParser json, long dataStart, long dataLength) {
        this.json = json;
        this.dataStart = dataStart;
        this.dataLength = dataLength;
    }

    /** Reads the JSON value that follows the tensor's name. */
    TensorEntry parse(String tensor) throws IOException {
        name = tensor;
        ElementType type = null;
        List<Long> shape = null;
        List<Long> offsets = null;
        if (json.nextToken() != JsonToken.START_OBJECT) {
            throw refusal("expected an object with dtype, shape and data_offsets, got " + HeaderParser.got(json));
        }
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String field = json.currentName();
            switch (field) {
                case "dtype" -> {
                    once(field, type);
                    type = type();
                }
                case "shape" -> {
                    once(field, shape);
                    shape = integers(field, MAX_RANK);
                }
                case "data_offsets" -> {
                    once(field, offsets);
                    offsets = integers(field, 2);
                    if (offsets.size() != 2) {
                        throw refusal("expected two data_offsets, got " + offsets.size());
                    }
                }
                default ->
                    throw refusal(
                            "expected dtype, shape and data_offsets, got the unknown key " + DataProblem.shown(field));
            }
        }
        if (type == null || shape == null || offsets == null) {
            String missing = type == null ? "dtype" : shape == null ? "shape" : "data_offsets";
            throw refusal("expected dtype, shape and data_offsets, got no " + missing);
        }
        long begin = offsets.get(0);
        long end = offsets.get(1);
        check(name, type, shape, begin, end, dataLength);
        return new TensorEntry(name, type.name(), shape, dataStart + begin, dataStart + end);
    }

    private void once(String field, @Nullable Object earlier) {
        if (earlier != null) {
            throw refusal("expected each key once, got " + field + " twice");
        }
    }

    private ElementType type() throws IOException {
        if (json.nextToken() != JsonToken.VALUE_STRING) {
            throw refusal("expected dtype to be a string, got " + HeaderParser.got(json));
        }
        ElementType found = ElementType.named(json.getText());
        if (found == null) {
            throw refusal(
                    name,
                    "expected a dtype of the format, got " + HeaderParser.got(json),
                    "write the tensor with one of " + ElementType.names());
        }
        return found;
    }

    /** Reads an array of at most {@code most} integers, none negative. */
    private List<Long> integers(String field, int most) throws IOException {
        if (json.nextToken() != JsonToken.START_ARRAY) {
            throw refusal("expected " + field + " to be an array of integers, got " + HeaderParser.got(json));
        }
        List<Long> integers = new ArrayList<>(most);
        while (json.nextToken() != JsonToken.END_ARRAY) {
            if (integers.size() == most) {
                throw refusal("expected at most " + most + " integers in " + field + ", got more");
            }
            boolean integer = json.currentToken() == JsonToken.VALUE_NUMBER_INT
                    && json.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
            // Checks the sign, not the value: the format's own library refuses -0.
            if (!integer || json.getText().startsWith("-")) {
                throw refusal("expected integers from 0 to 2^63-1 in " + field + ", got " + HeaderParser.got(json));
            }
            integers.add(json.getLongValue());
        }
        return integers;
    }

    /**
     * Checks one tensor; offsets count from the start of the data.
     *
     * @throws InvalidDataException if the data does not lie within the file, or has not the size of dtype and shape
     */
    static void check(String name, ElementType type, List<Long> shape, long begin, long end, long dataLength) {
        if (begin > end) {
            throw refusal(
                    name, "expected data_offsets in order, got " + begin + " before " + end, HeaderParser.REWRITE);
        }
        if (end > dataLength) {
            throw refusal(
                    name,
                    "expected data up to byte " + end + " after the header, got a file with only " + dataLength
                            + " bytes there",
                    SafetensorsHeader.CUT_OFF);
        }
        long bits;
        try {
            bits = type.bits(shape);
        } catch (ArithmeticException e) {
            throw refusal(
                    name, "expected a size below 2^63 bits, got " + type + " of shape " + shape, HeaderParser.REWRITE);
        }
        if (bits % Byte.SIZE != 0 || bits / Byte.SIZE != end - begin) {
            throw refusal(
                    name,
                    "expected " + bits + " bits of data for " + type + " of shape " + shape + ", got data_offsets "
                            + begin + " to " + end + ", " + (end - begin) + " bytes",
                    HeaderParser.REWRITE);
        }
    }

    private InvalidDataException refusal(String what) {
        return refusal(name, what, HeaderParser.REWRITE);
    }

    private static InvalidDataException refusal(String name, String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy).inTensor(name));
    }
}
