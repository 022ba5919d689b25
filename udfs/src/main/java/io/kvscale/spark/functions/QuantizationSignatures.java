package io.kvscale.spark.functions;

import io.kvscale.spark.sql.FunctionArguments;
import io.kvscale.spark.sql.FunctionCall;
import io.kvscale.spark.sql.SqlFunction;
import io.kvscale.spark.sql.SqlFunction.Example;
import java.util.List;
import java.util.function.BiFunction;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;

/** The functions that quantize values with one scale. */
final class QuantizationSignatures {
    private static final DataType FLOATS = DataTypes.createArrayType(DataTypes.FloatType, true);

    private static final String VALUES = "values - numbers, narrowed to 32-bit floats; finite, none null";
    private static final String DATA = "data - values of dtype as BINARY, little endian; finite";
    private static final String CODES = "codes - one code a byte, a 4-bit code in the low four bits";
    private static final String DTYPE = "dtype - 'F32', 'BF16' or 'F16'";
    private static final String SCALE = "scale - finite and above 0, narrowed to a 32-bit float; symmetric";
    private static final String FORMAT =
            "format - 'fp8' ('fp8_e4m3'), 'fp8_e5m2', 'int8', 'int4' or 'fp4' ('fp4_e2m1')";

    private static final String FORMAT_OR_NVFP4 =
            FORMAT.replace(" or ", ", ") + ", 'nvfp4' ('nvfp4:divisor'), where scale is the global one, 2688/absmax, or"
                    + " 'nvfp4:multiplier', where it is absmax/2688; of nvfp4, values come in whole groups of 16";

    static final List<SqlFunction> ALL = List.of(
            new SqlFunction(
                    QuantizationFunctions.QUANTIZE,
                    QuantizationFunctions.class,
                    "math_funcs",
                    "_FUNC_(values, scale, format), _FUNC_(data, dtype, scale, format) - Returns the codes of values divided"
                            + " by the scale, rounded half to even and clamped, as BINARY, one code a byte.",
                    List.of(VALUES, DATA, DTYPE, SCALE, FORMAT),
                    List.of(
                            new Example("SELECT hex(_FUNC_(array(1.0, -2.5), 0.05, 'int8'))", "14CE"),
                            new Example("SELECT hex(_FUNC_(X'803f20c0', 'BF16', 0.05, 'fp8'))", "5AE4")),
                    arguments -> call(
                            arguments,
                            QuantizationFunctions.QUANTIZE,
                            "quantize",
                            false,
                            SqlValues::format,
                            DataTypes.BinaryType)),
            new SqlFunction(
                    QuantizationFunctions.DEQUANTIZE,
                    QuantizationFunctions.class,
                    "math_funcs",
                    "_FUNC_(codes, scale, format), _FUNC_(codes, dtype, scale, format) - Returns the values that codes stand"
                            + " for: as ARRAY<FLOAT>, or rounded to dtype as BINARY, little endian; infinite where that"
                            + " is beyond dtype. A code of 0 gives +0.",
                    List.of(CODES, DTYPE, SCALE, FORMAT),
                    List.of(
                            new Example("SELECT _FUNC_(X'14CE', 0.05, 'int8')", "[1.0,-2.5]"),
                            new Example("SELECT hex(_FUNC_(X'5AE4', 'BF16', 0.05, 'fp8'))", "803F1AC0")),
                    arguments -> call(
                            arguments,
                            QuantizationFunctions.DEQUANTIZE,
                            "dequantize",
                            true,
                            SqlValues::format,
                            FLOATS)),
            new SqlFunction(
                    QuantizationFunctions.FAKE_QUANTIZE,
                    QuantizationFunctions.class,
                    "math_funcs",
                    "_FUNC_(values, scale, format), _FUNC_(data, dtype, scale, format) - Returns what is left of values once"
                            + " they were quantized and dequantized: as ARRAY<FLOAT>, or rounded to dtype as BINARY, little"
                            + " endian; infinite where that is beyond dtype. A small negative value gives -0.",
                    List.of(VALUES, DATA, DTYPE, SCALE, FORMAT_OR_NVFP4),
                    List.of(
                            new Example("SELECT _FUNC_(array(1.1, -2.6), 0.5, 'int8')", "[1.0,-2.5]"),
                            new Example(
                                    "SELECT slice(_FUNC_(transform(sequence(1, 16), i -> i / 2), 336.0, 'nvfp4'), 13, 4)",
                                    "[5.3333335,8.0,8.0,8.0]"),
                            new Example("SELECT hex(_FUNC_(X'803f20c0', 'BF16', 0.05, 'fp8'))", "803F1AC0")),
                    arguments -> call(
                            arguments,
                            QuantizationFunctions.FAKE_QUANTIZE,
                            "fakeQuantize",
                            false,
                            SqlValues::formatOrNvfp4,
                            FLOATS)),
            new SqlFunction(
                    QuantizationErrorFunction.NAME,
                    QuantizationErrorFunction.class,
                    "math_funcs",
                    "_FUNC_(values, scale, format), _FUNC_(data, dtype, scale, format) - Returns how far dequantized values"
                            + " are from the exact ones, before they are rounded to dtype: sqnr_db, ten times the decimal"
                            + " logarithm of the sum of squares of the values over that of the errors, Infinity where no"
                            + " value has an error, as with zeros only; mse, the mean square of the errors; max_error, the"
                            + " largest; saturated, how many values lie outside of the format's range times the scale."
                            + " No values give NULL.",
                    List.of(VALUES, DATA, DTYPE, SCALE, FORMAT_OR_NVFP4),
                    List.of(
                            new Example(
                                    "SELECT inline(array(_FUNC_(array(1.0, 3.5), 0.5, 'int4')))",
                                    "Infinity\t0.0\t0.0\t0"),
                            new Example(
                                    "SELECT round(e.sqnr_db, 3), e.max_error, e.saturated FROM (SELECT"
                                            + " _FUNC_(X'803fa0c0', 'BF16', 0.5, 'int4') AS e)",
                                    "14.15\t1.0\t1")),
                    arguments -> call(
                            arguments,
                            QuantizationErrorFunction.NAME,
                            QuantizationErrorFunction.class,
                            "error",
                            false,
                            SqlValues::formatOrNvfp4,
                            QuantizationErrorFunction.TYPE,
                            QuantizationErrorFunction.TYPE)));

    private QuantizationSignatures() {}

    private static Expression call(
            FunctionArguments arguments,
            String name,
            String method,
            boolean ofCodes,
            BiFunction<String, String, ?> format,
            DataType withoutDtype) {
        return call(
                arguments,
                name,
                QuantizationFunctions.class,
                method,
                ofCodes,
                format,
                withoutDtype,
                DataTypes.BinaryType);
    }

    /** A call of (values, scale, format), or of (data, dtype, scale, format): told by how many arguments there are. */
    private static Expression call(
            FunctionArguments arguments,
            String name,
            Class<?> owner,
            String method,
            boolean ofCodes,
            BiFunction<String, String, ?> format,
            DataType withoutDtype,
            DataType withDtype) {
        if (arguments.count(3, 4) == 3) {
            return FunctionCall.of(
                    name,
                    owner,
                    method,
                    withoutDtype,
                    ofCodes ? arguments.binary(0, "codes") : arguments.floats(0, "values"),
                    arguments.number(1, "scale"),
                    arguments.word(2, "format", format));
        }
        return FunctionCall.of(
                name,
                owner,
                method,
                withDtype,
                arguments.binary(0, ofCodes ? "codes" : "data"),
                arguments.word(1, "dtype", SqlValues::dtype),
                arguments.number(2, "scale"),
                arguments.word(3, "format", format));
    }
}
