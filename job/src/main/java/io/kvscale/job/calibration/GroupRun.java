package io.kvscale.job.calibration;

import io.kvscale.input.FilePiece;
import io.kvscale.input.ReadFailure;
import io.kvscale.input.Split;
import io.kvscale.job.calibration.GroupTask.Group;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.state.Observation;
import io.kvscale.job.state.StateFiles;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.fs.FSError;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.CollectionAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;

/**
 * Runs the tasks of a run with a state, in executors.
 *
 * @param folder the path of the state
 * @param damaged receives the files of groups that cannot be used, each with the reason
 * @param notKept receives a name for each group that cannot be written, with the reason
 * @param packed receives the files of groups that are part of a larger one now
 */
record GroupRun<K, T>(
        String folder,
        Observation observation,
        GroupReader<K, T> reader,
        Broadcast<SerializableConfiguration> configuration,
        CollectionAccumulator<Tuple2<String, String>> damaged,
        CollectionAccumulator<Tuple2<String, String>> notKept,
        CollectionAccumulator<String> packed)
        implements Serializable {

    Iterator<Tuple2<K, byte[]>> rows(byte[] serialized) throws IOException {
        GroupTask task = JavaSerde.value(serialized, GroupTask.class);
        ArrayList<FilePiece> pieces = new ArrayList<>();
        T all = null;
        try (StateFiles files = StateFiles.of(folder, configuration.value().value())) {
            for (Group group : task.groups()) {
                T found = found(group, files);
                all = all == null ? found : reader.merge(all, found);
                pieces.addAll(group.pieces());
            }
            if (all == null) {
                return List.<Tuple2<K, byte[]>>of().iterator();
            }
            if (task.packed() && keep(pieces, all, files)) {
                task.groups().forEach(group -> packed.add(group.kept()));
            }
        }
        return reader.rows(all);
    }

    private T found(Group group, StateFiles files) {
        if (group.kept() != null) {
            try {
                return reader.kept(files.read(group.kept()));
            } catch (IOException | RuntimeException | FSError e) {
                damaged.add(new Tuple2<>(group.kept(), ReadFailure.reason(e)));
            }
        }
        T found = reader.read(new Split(group.pieces()));
        keep(group.pieces(), found, files);
        return found;
    }

    /** Writes a group to the state. Returns whether it is there. */
    private boolean keep(ArrayList<FilePiece> pieces, T found, StateFiles files) {
        if (!reader.mayBeKept(found)) {
            return false;
        }
        try {
            files.write(observation, pieces, reader.bytes(found));
            return true;
        } catch (IOException e) {
            FilePiece first = pieces.get(0);
            notKept.add(new Tuple2<>(first.file().path() + " " + first.start(), ReadFailure.reason(e)));
            return false;
        }
    }
}
