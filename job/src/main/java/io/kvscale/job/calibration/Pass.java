package io.kvscale.job.calibration;

import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.observer.Corpus;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.util.LongAccumulator;

/** What a job passes over: its tasks, and what is known of it before. */
interface Pass {
    /** What the Spark job is called. */
    String description();

    /** What there is to do. */
    Progress.Work work();

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
}
