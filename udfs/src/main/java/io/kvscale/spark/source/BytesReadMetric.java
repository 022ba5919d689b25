package io.kvscale.spark.source;

import org.apache.spark.sql.connector.metric.CustomSumMetric;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;

/** Bytes taken from captures, headers and gaps included: a metric of the scan in Spark's own UI. */
public final class BytesReadMetric extends CustomSumMetric {
    static final String NAME = "captureBytesRead";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public String description() {
        return "bytes read from captures";
    }

    /** What one task read so far. */
    record Task(long bytes) implements CustomTaskMetric {
        @Override
        public String name() {
            return NAME;
        }

        @Override
        public long value() {
            return bytes;
        }
    }
}
