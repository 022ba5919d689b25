package io.kvscale.spark;

import io.kvscale.spark.functions.KvFunctions;
import org.apache.spark.sql.SparkSessionExtensions;
import scala.Function1;
import scala.runtime.BoxedUnit;

/**
 * Registers the SQL functions of {@link KvFunctions}, for SQL, PySpark and Spark Connect. To use it, set
 * {@code spark.sql.extensions} to the name of this class and {@code spark.jars} to the jar.
 */
public final class KvScaleExtensions implements Function1<SparkSessionExtensions, BoxedUnit> {
    @Override
    public BoxedUnit apply(SparkSessionExtensions extensions) {
        KvFunctions.inject(extensions);
        extensions.injectColumnar(session -> new StatisticsPlanRule());
        return BoxedUnit.UNIT;
    }
}
