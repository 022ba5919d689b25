package io.kvscale.spark.source;

import org.apache.spark.sql.connector.metric.CustomSumMetric;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;

/** A metric of the scan in Spark's UI: bytes read from captures, including headers and gaps. */
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

    /** The bytes that one task has read so far. */
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
