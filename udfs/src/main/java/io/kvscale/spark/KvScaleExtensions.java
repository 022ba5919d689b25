package io.kvscale.spark;

import io.kvscale.spark.functions.KvFunctions;
import org.apache.spark.sql.SparkSessionExtensions;
import scala.Function1;
import scala.runtime.BoxedUnit;

/**
 * Gives a Spark session the functions of {@link KvFunctions}: set {@code spark.sql.extensions} to this class's name, and
 * {@code spark.jars} to the jar. SQL, PySpark and Spark Connect clients then have them alike.
 */
public final class KvScaleExtensions implements Function1<SparkSessionExtensions, BoxedUnit> {
    @Override
    public BoxedUnit apply(SparkSessionExtensions extensions) {
        KvFunctions.inject(extensions);
        extensions.injectColumnar(session -> new StatisticsPlanRule());
        return BoxedUnit.UNIT;
    }
}
