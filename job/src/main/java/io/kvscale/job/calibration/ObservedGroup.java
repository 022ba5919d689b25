package io.kvscale.job.calibration;

import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.Split;
import io.kvscale.job.spark.RetryPolicy;
import io.kvscale.job.spark.RunMetrics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.task.CalibrationTask;
import io.kvscale.task.TaskState;
import java.util.Iterator;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;

/** The statistics of a group of capture files. */
record ObservedGroup(
        SlotSchemes schemes,
        StatisticsKind kind,
        CaptureOptions options,
        Broadcast<SerializableConfiguration> configuration,
        Depth depth,
        LongAccumulator observed,
        RetryPolicy retries,
        RunMetrics.ReadTime time)
        implements GroupReader<Integer, TaskState> {
    @Override
    public TaskState read(Split group) {
        TaskState state = CalibrationTask.run(
                group, schemes, kind, options, configuration.value().value(), depth, observed::add, retries::failed);
        time.add(state.readNanos(), state.tally().nanos());
        return state;
    }

    @Override
    public boolean mayBeKept(TaskState found) {
        return found.problem() == null;
    }

    @Override
    public byte[] bytes(TaskState found) {
        return found.toByteArray();
    }

    @Override
    public TaskState kept(byte[] bytes) {
        return TaskState.fromByteArray(bytes).withoutCost();
    }

    @Override
    public TaskState merge(TaskState one, TaskState other) {
        one.merge(other);
        return one;
    }

    @Override
    public Iterator<Tuple2<Integer, byte[]>> rows(TaskState found) {
        return CalibrationJob.rows(found);
    }
}
