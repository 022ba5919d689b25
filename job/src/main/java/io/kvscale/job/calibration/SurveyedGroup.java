package io.kvscale.job.calibration;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.Split;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.task.SampleSlots;
import io.kvscale.task.SampleSurvey;
import io.kvscale.task.StateObjects;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.TreeSet;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;

/** What each sample of a group of capture files holds. */
record SurveyedGroup(
        CaptureOptions options,
        Broadcast<SerializableConfiguration> configuration,
        TreeSet<Slot> scanned,
        LongAccumulator looked)
        implements GroupReader<String, ArrayList<SampleSlots>> {
    @Override
    public ArrayList<SampleSlots> read(Split group) {
        return new ArrayList<>(
                SampleSurvey.of(group, options, configuration.value().value(), scanned, looked::add));
    }

    @Override
    public boolean mayBeKept(ArrayList<SampleSlots> found) {
        return found.stream().allMatch(sample -> sample.problem() == null);
    }

    @Override
    public byte[] bytes(ArrayList<SampleSlots> found) {
        return JavaSerde.bytes(found);
    }

    @Override
    public ArrayList<SampleSlots> kept(byte[] bytes) {
        ArrayList<SampleSlots> found = new ArrayList<>();
        StateObjects.read(bytes, ArrayList.class).forEach(sample -> found.add((SampleSlots) sample));
        return found;
    }

    @Override
    public ArrayList<SampleSlots> merge(ArrayList<SampleSlots> one, ArrayList<SampleSlots> other) {
        one.addAll(other);
        return one;
    }

    @Override
    public Iterator<Tuple2<String, byte[]>> rows(ArrayList<SampleSlots> found) {
        return Pass.rows(found);
    }
}
