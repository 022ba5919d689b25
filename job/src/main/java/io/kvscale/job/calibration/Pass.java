package io.kvscale.job.calibration;

import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.job.spark.Work;
import io.kvscale.observer.Corpus;
import io.kvscale.scheme.ScaleTable;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.util.LongAccumulator;

/** What a job passes over: its tasks, and what is known of it before. */
interface Pass extends AutoCloseable {
    /** What the Spark job is called. */
    String description();

    /** What there is to do. */
    Work work();

    /** Tasks. */
    int partitions();

    /** What a dry run shows of it, as label and text. */
    Map<String, String> shown();

    /** Of the whole, what no task can tell. */
    Corpus corpus();

    /**
     * The tasks' states, see {@link TaskState#rows}; nothing runs yet.
     *
     * @param observed is told the bytes of K and V, or the tokens, that tasks observe
     * @param samples is told the samples, where {@link #work} counts those
     */
    JavaPairRDD<Integer, byte[]> states(Depth depth, LongAccumulator observed, LongAccumulator samples);

    /** Runs what reads it, and puts into words what only this kind of corpus can fail of. */
    default CalibrationOutcome named(Supplier<CalibrationOutcome> run) {
        return run.get();
    }

    /** Whether there are tensors whose headers a dry run can look at. */
    default boolean readsTensors() {
        return true;
    }

    /** Whether what it observes depends on scales, which a first pass gives. */
    default boolean wantsScales() {
        return false;
    }

    /** The pass that observes with these scales in force. */
    default Pass with(ScaleTable scales) {
        return this;
    }

    /** What the user should be told of it before. */
    default List<String> notices() {
        return List.of();
    }

    /** Lets go of what it keeps on the executors. */
    @Override
    default void close() {}
}
