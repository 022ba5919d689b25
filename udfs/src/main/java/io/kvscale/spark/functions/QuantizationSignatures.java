package io.kvscale.spark.functions;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.SchemeText;
import io.kvscale.spark.sql.FunctionArguments;
import io.kvscale.spark.sql.SqlFunction;
import io.kvscale.spark.sql.SqlFunction.Example;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;

/** The SQL functions that quantize values with one scale. */
final class QuantizationSignatures {
    private static final DataType FLOATS = DataTypes.createArrayType(DataTypes.FloatType, true);

    private static final String VALUES = "values - an ARRAY of finite numbers, converted to 32-bit floats; no NULL";
    private static final String DATA = "data - finite values of dtype as BINARY, little endian";
    private static final String CODES = "codes - BINARY, one code per byte, a 4-bit code in the low four bits";
    private static final String DTYPE = "dtype - 'F32', 'BF16' or 'F16'";
    private static final String SCALE =
            "scale - a finite number above 0, converted to a 32-bit float; quantization is symmetric";
    private static final String FORMAT = "format - "
            + Arrays.stream(NumberFormat.values())
                    .map(format -> "'" + String.join("' ('", format.names())
                            + (format.names().size() > 1 ? "')" : "'"))
                    .collect(Collectors.joining(", "));

    private static final String FORMAT_OR_NVFP4 =
            FORMAT + ", or NVFP4 with its global scale and values in whole groups of 16: 'nvfp4' (the first of these), "
                    + SchemeText.nvfp4Names();

    static final List<SqlFunction> ALL = List.of(
            new SqlFunction(
                    QuantizationFunctions.QUANTIZE,
                    QuantizationFunctions.class,
                    "math_funcs",
                    "_FUNC_(values, scale, format), _FUNC_(data, dtype, scale, format) - Divides values by the scale, rounds"
                            + " them half to even, clamps them to the format, and returns the codes as BINARY, one per"
                            + " byte.",
                    List.of(VALUES, DATA, DTYPE, SCALE, FORMAT),
                    List.of(
                            new Example("SELECT hex(_FUNC_(array(1.0, -2.5), 0.05, 'int8'))", "14CE"),
                            new Example("SELECT hex(_FUNC_(X'803f20c0', 'BF16', 0.05, 'fp8'))", "5AE4")),
                    call(
                            QuantizationFunctions.class,
                            "quantize",
                            false,
                            SqlValues::format,
                            DataTypes.BinaryType,
                            DataTypes.BinaryType)),
            new SqlFunction(
                    QuantizationFunctions.DEQUANTIZE,
                    QuantizationFunctions.class,
                    "math_funcs",
                    "_FUNC_(codes, scale, format), _FUNC_(codes, dtype, scale, format) - Returns the values of codes, times"
                            + " the scale: as ARRAY<FLOAT>, or rounded to dtype as BINARY, little endian. A value beyond"
                            + " the range of dtype becomes infinite. A code of 0 gives +0.",
                    List.of(CODES, DTYPE, SCALE, FORMAT),
                    List.of(
                            new Example("SELECT _FUNC_(X'14CE', 0.05, 'int8')", "[1.0,-2.5]"),
                            new Example("SELECT hex(_FUNC_(X'5AE4', 'BF16', 0.05, 'fp8'))", "803F1AC0")),
                    call(
                            QuantizationFunctions.class,
                            "dequantize",
                            true,
                            SqlValues::format,
                            FLOATS,
                            DataTypes.BinaryType)),
            new SqlFunction(
                    QuantizationFunctions.FAKE_QUANTIZE,
                    QuantizationFunctions.class,
                    "math_funcs",
                    "_FUNC_(values, scale, format), _FUNC_(data, dtype, scale, format) - Quantizes values and dequantizes"
                            + " them again. Returns ARRAY<FLOAT>, or values rounded to dtype as BINARY, little endian. A"
                            + " value beyond the range of dtype becomes infinite. A small negative value gives -0.",
                    List.of(VALUES, DATA, DTYPE, SCALE, FORMAT_OR_NVFP4),
                    List.of(
                            new Example("SELECT _FUNC_(array(1.1, -2.6), 0.5, 'int8')", "[1.0,-2.5]"),
                            new Example(
                                    "SELECT slice(_FUNC_(transform(sequence(1, 16), i -> i / 2), 1.0, 'nvfp4'), 13, 4)",
                                    "[5.5,8.25,8.25,8.25]"),
                            new Example("SELECT hex(_FUNC_(X'803f20c0', 'BF16', 0.05, 'fp8'))", "803F1AC0")),
                    call(
                            QuantizationFunctions.class,
                            "fakeQuantize",
                            false,
                            SqlValues::formatOrNvfp4,
                            FLOATS,
                            DataTypes.BinaryType)),
            new SqlFunction(
                    QuantizationErrorFunction.NAME,
                    QuantizationErrorFunction.class,
                    "math_funcs",
                    "_FUNC_(values, scale, format), _FUNC_(data, dtype, scale, format) - Returns the error of quantized"
                            + " values, before they are rounded to dtype, as a struct. sqnr_db is 10 * log10(sum of squared"
                            + " values / sum of squared errors), Infinity if no value has an error. mse is the mean squared"
                            + " error, max_error the largest absolute error, saturated the number of values outside the"
                            + " format's range times the scale. Without values the result is NULL.",
                    List.of(VALUES, DATA, DTYPE, SCALE, FORMAT_OR_NVFP4),
                    List.of(
                            new Example(
                                    "SELECT inline(array(_FUNC_(array(1.0, 3.5), 0.5, 'int4')))",
                                    "Infinity\t0.0\t0.0\t0"),
                            new Example(
                                    "SELECT round(e.sqnr_db, 3), e.max_error, e.saturated FROM (SELECT"
                                            + " _FUNC_(X'803fa0c0', 'BF16', 0.5, 'int4') AS e)",
                                    "14.15\t1.0\t1")),
                    call(
                            QuantizationErrorFunction.class,
                            "error",
                            false,
                            SqlValues::formatOrNvfp4,
                            QuantizationErrorFunction.TYPE,
                            QuantizationErrorFunction.TYPE)));

    private QuantizationSignatures() {}

    /**
     * Builds calls with the arguments (values, scale, format) or, if there are four, (data, dtype, scale, format).
     *
     * @param method the name of the two methods of {@code owner} that compute the result
     * @param ofCodes whether the first argument is codes, which are BINARY in both forms
     */
    private static Function<FunctionArguments, Expression> call(
            Class<?> owner,
            String method,
            boolean ofCodes,
            BiFunction<String, String, ?> format,
            DataType withoutDtype,
            DataType withDtype) {
        return arguments -> arguments.count(3, 4) == 3
                ? arguments.call(
                        owner,
                        method,
                        withoutDtype,
                        ofCodes ? arguments.binary(0, "codes") : arguments.floats(0, "values"),
                        arguments.number(1, "scale"),
                        arguments.word(2, "format", format))
                : arguments.call(
                        owner,
                        method,
                        withDtype,
                        arguments.binary(0, ofCodes ? "codes" : "data"),
                        arguments.word(1, "dtype", SqlValues::dtype),
                        arguments.number(2, "scale"),
                        arguments.word(3, "format", format));
    }
}
