package io.kvscale.safetensors;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads and checks the entry of one tensor: {@code {"dtype":"BF16","shape":[1,3,60,64],"data_offsets":[0,23040]}}.
 *
 * <p>One parser reads all entries of a header; it holds the last one.
 */
final class EntryParser {
    static final int MAX_RANK = 8;

    private final JsonParser json;
    private final long dataLength;

    private String name = "";
    private @Nullable ElementType type;
    private final long[] shape = new long[MAX_RANK];
    private int rank;
    private final long[] offsets = new long[2];

    EntryParser(JsonParser json, long dataLength) {
        this.json = json;
        this.dataLength = dataLength;
    }

    /** First byte of the tensor, counted from the start of the data section. */
    long begin() {
        return offsets[0];
    }

    long end() {
        return offsets[1];
    }

    /** The entry with offsets that count from the start of the file. */
    TensorEntry entry(long dataStart) {
        if (type == null) {
            throw new IllegalStateException("no entry has been parsed");
        }
        List<Long> dims = Arrays.stream(shape, 0, rank).boxed().toList();
        return new TensorEntry(name, type.name(), dims, dataStart + begin(), dataStart + end());
    }

    /** Reads the JSON value that follows the tensor's name. */
    void parse(String tensor) throws IOException {
        name = tensor;
        type = null;
        rank = -1;
        boolean placed = false;
        if (json.nextToken() != JsonToken.START_OBJECT) {
            throw refusal(
                    "expected an object with dtype, shape and data_offsets, got " + HeaderParser.got(json),
                    HeaderParser.REWRITE);
        }
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String field = json.currentName();
            switch (field) {
                case "dtype" -> {
                    once(field, type == null);
                    type = type();
                }
                case "shape" -> {
                    once(field, rank < 0);
                    rank = integers(field, shape);
                }
                case "data_offsets" -> {
                    once(field, !placed);
                    placed = true;
                    int count = integers(field, offsets);
                    if (count != 2) {
                        throw refusal("expected two data_offsets, got " + count, HeaderParser.REWRITE);
                    }
                }
                default ->
                    throw refusal(
                            "expected dtype, shape and data_offsets, got the unknown key " + DataProblem.shown(field),
                            HeaderParser.REWRITE);
            }
        }
        if (type == null || rank < 0 || !placed) {
            String missing = type == null ? "dtype" : rank < 0 ? "shape" : "data_offsets";
            throw refusal("expected dtype, shape and data_offsets, got no " + missing, HeaderParser.REWRITE);
        }
        check(type);
    }

    private void once(String field, boolean first) {
        if (!first) {
            throw refusal("expected each key once, got " + field + " twice", HeaderParser.REWRITE);
        }
    }

    private ElementType type() throws IOException {
        if (json.nextToken() != JsonToken.VALUE_STRING) {
            throw refusal("expected dtype to be a string, got " + HeaderParser.got(json), HeaderParser.REWRITE);
        }
        ElementType found = ElementType.named(json.getText());
        if (found == null) {
            throw refusal(
                    "expected a dtype of the format, got " + HeaderParser.got(json),
                    "write the tensor with one of " + ElementType.names());
        }
        return found;
    }

    /** Reads an array of non-negative integers and returns its length. */
    private int integers(String field, long[] to) throws IOException {
        if (json.nextToken() != JsonToken.START_ARRAY) {
            throw refusal(
                    "expected " + field + " to be an array of integers, got " + HeaderParser.got(json),
                    HeaderParser.REWRITE);
        }
        int count = 0;
        while (json.nextToken() != JsonToken.END_ARRAY) {
            if (count == to.length) {
                throw refusal(
                        "expected at most " + to.length + " integers in " + field + ", got more", HeaderParser.REWRITE);
            }
            boolean integer = json.currentToken() == JsonToken.VALUE_NUMBER_INT
                    && json.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
            // Checks the sign, not the value: the format's own library refuses -0.
            if (!integer || json.getText().startsWith("-")) {
                throw refusal(
                        "expected integers from 0 to 2^63-1 in " + field + ", got " + HeaderParser.got(json),
                        HeaderParser.REWRITE);
            }
            to[count++] = json.getLongValue();
        }
        return count;
    }

    private void check(ElementType known) {
        if (begin() > end()) {
            throw refusal("expected data_offsets in order, got " + begin() + " before " + end(), HeaderParser.REWRITE);
        }
        if (end() > dataLength) {
            throw refusal(
                    "expected data up to byte " + end() + " after the header, got a file with only " + dataLength
                            + " bytes there",
                    "the file is cut off or still being written: copy or write it again");
        }
        String what = known + " of shape " + Arrays.toString(Arrays.copyOf(shape, rank));
        long bits;
        try {
            bits = known.bits(shape, rank);
        } catch (ArithmeticException e) {
            throw refusal("expected a size below 2^63 bits, got " + what, HeaderParser.REWRITE);
        }
        if (bits % Byte.SIZE != 0 || bits / Byte.SIZE != end() - begin()) {
            throw refusal(
                    "expected " + bits + " bits of data for " + what + ", got data_offsets " + begin() + " to " + end()
                            + ", " + (end() - begin()) + " bytes",
                    HeaderParser.REWRITE);
        }
    }

    private InvalidDataException refusal(String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy).inTensor(name));
    }
}
