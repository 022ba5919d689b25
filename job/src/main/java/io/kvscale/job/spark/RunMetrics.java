package io.kvscale.job.spark;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import java.io.Serializable;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.metrics.MetricsSystem;
import org.apache.spark.metrics.source.Source;
import org.apache.spark.util.LongAccumulator;
import org.jspecify.annotations.Nullable;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The figures of a run as a source of Spark's metrics system, whose sinks show them: JMX, Prometheus and others. The source is
 * on the driver, so executors need no settings. It stays until Spark stops, with the figures of the last run.
 */
public final class RunMetrics implements Source {
    private static final String NAME = "kvscale";

    /** A gauge. Its name is that of the constant in lower case. */
    public enum Figure {
        /** Input files of the run; 0 if Spark reads them as a table. */
        FILES,
        /** Bytes of K and V that the pass under way has observed. */
        BYTES,
        /** Bytes of K and V that it will observe; 0 if not known. */
        BYTES_TOTAL,
        /** Tokens that the model has run over; for captures all tokens, when the pass has ended. */
        TOKENS,
        /** Tokens that the model will run over. */
        TOKENS_TOTAL,
        /** Samples that the model has run over. */
        SAMPLES,
        /** Attempts of tasks that failed. */
        FAILED_TASKS,
        /** Samples that the model failed on, when the pass has ended. */
        FAILED_SAMPLES,
        /** The greatest share of the values of a slot that its scales clip, from 0 to 1, when they are known; else NaN. */
        SATURATED_SHARE,
        /** Share of the tasks' time that reads took: a run that only reads has 1. NaN for texts and tables. */
        READ_LIMIT_RATIO
    }

    private final MetricRegistry registry = new MetricRegistry();
    private final Map<Figure, Number> figures = new ConcurrentHashMap<>();
    private final ReadTime time;

    private RunMetrics(JavaSparkContext spark) {
        time = new ReadTime(
                spark.sc().longAccumulator("kvscale read nanoseconds"),
                spark.sc().longAccumulator("kvscale task nanoseconds"));
        for (Figure figure : Figure.values()) {
            Gauge<Number> gauge = () -> value(figure);
            registry.register(figure.name().toLowerCase(Locale.ROOT), gauge);
        }
    }

    /** The source of this Spark context, which is registered the first time. */
    public static synchronized RunMetrics of(JavaSparkContext spark) {
        MetricsSystem system = spark.env().metricsSystem();
        for (Source source : CollectionConverters.asJava(system.getSourcesByName(NAME))) {
            if (source instanceof RunMetrics metrics) {
                return metrics;
            }
        }
        RunMetrics metrics = new RunMetrics(spark);
        system.registerSource(metrics);
        return metrics;
    }

    @Override
    public String sourceName() {
        return NAME;
    }

    @Override
    public MetricRegistry metricRegistry() {
        return registry;
    }

    /** Forgets the run before. */
    public void begin() {
        figures.clear();
        time.reading().reset();
        time.all().reset();
    }

    public void set(Figure figure, Number value) {
        figures.put(figure, value);
    }

    void add(Figure figure, long more) {
        figures.merge(figure, more, (a, b) -> a.longValue() + b.longValue());
    }

    /** The progress of a Spark job. */
    void progress(Work work, long done, long samples) {
        if (work instanceof Work.Bytes bytes) {
            set(Figure.BYTES, done);
            set(Figure.BYTES_TOTAL, Math.max(0, bytes.total()));
        } else if (work instanceof Work.Tokens tokens) {
            set(Figure.TOKENS, done);
            set(Figure.TOKENS_TOTAL, tokens.total());
            set(Figure.SAMPLES, samples);
        }
    }

    /** Receives the time of tasks over captures. */
    public ReadTime time() {
        return time;
    }

    private Number value(Figure figure) {
        Double ratio = figure == Figure.READ_LIMIT_RATIO ? time.ratio() : null;
        Number unknown =
                figure == Figure.SATURATED_SHARE || figure == Figure.READ_LIMIT_RATIO ? (Number) Double.NaN : 0L;
        return ratio != null ? ratio : figures.getOrDefault(figure, unknown);
    }

    /**
     * Time of tasks over captures, in nanoseconds, as accumulators of Spark.
     *
     * @param reading time in reads
     * @param all time of the whole tasks
     */
    public record ReadTime(LongAccumulator reading, LongAccumulator all) implements Serializable {
        /** Counts a task, on an executor. */
        public void add(long readNanos, long nanos) {
            reading.add(readNanos);
            all.add(nanos);
        }

        /** The share of the time that reads took, on the driver; null before the first task ended. */
        public @Nullable Double ratio() {
            long nanos = all.value();
            return nanos == 0 ? null : (Double) ((double) reading.value() / nanos);
        }
    }
}
