package io.kvscale.spark.functions;

import io.kvscale.spark.sql.SqlFunction;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import scala.Tuple3;

/** All SQL functions of kvscale. */
public final class KvFunctions {
    static final List<SqlFunction> ALL = Stream.of(
                    StatisticsSignatures.ALL, List.of(ScalesFunction.SIGNATURE), QuantizationSignatures.ALL)
            .flatMap(List::stream)
            .toList();

    private KvFunctions() {}

    /** Makes the functions known to every session with these extensions. */
    public static void inject(SparkSessionExtensions extensions) {
        for (SqlFunction function : ALL) {
            extensions.injectFunction(
                    new Tuple3<>(new FunctionIdentifier(function.name()), function.info(), function::build));
        }
    }
}
