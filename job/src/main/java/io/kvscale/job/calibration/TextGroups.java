package io.kvscale.job.calibration;

import io.kvscale.input.ReadFailure;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.state.KeptBatch;
import io.kvscale.job.state.Observation;
import io.kvscale.job.state.StateFiles;
import io.kvscale.task.TaskState;
import io.kvscale.tensor.DataProblem;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.hadoop.fs.FSError;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.CollectionAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;

/**
 * The tasks of a run over texts with a state, in executors.
 *
 * @param folder the path of the state
 * @param notKept receives a name for each group that is not kept, with the reason; an empty one for texts that failed
 */
record TextGroups(
        String folder,
        Observation observation,
        Broadcast<SerializableConfiguration> configuration,
        Runner runner,
        CollectionAccumulator<Tuple2<String, String>> notKept)
        implements Serializable {
    /** Runs the model over batches, each a {@link io.kvscale.text.TokenBatch} by {@link JavaSerde}. */
    interface Runner extends Serializable {
        TaskState run(Iterator<byte[]> batches) throws IOException;
    }

    /** The rows of groups of earlier runs, by the names of their files. */
    Iterator<Tuple2<Integer, byte[]>> taken(Iterator<byte[]> groups) throws IOException {
        TaskState all = new TaskState();
        try (StateFiles files = StateFiles.of(folder, configuration.value().value())) {
            while (groups.hasNext()) {
                all.merge(taken(JavaSerde.value(groups.next(), String.class), files));
            }
        }
        return CalibrationJob.rows(all);
    }

    private TaskState taken(String group, StateFiles files) {
        try {
            return TaskState.fromByteArray(files.read(group)).withoutCost();
        } catch (IOException | RuntimeException | FSError e) {
            // The driver has read it a moment ago.
            return TaskState.of(DataProblem.of(
                            "the state's group " + group + " changed during the run: " + ReadFailure.reason(e),
                            "run again: its texts are run anew")
                    .inFile(folder));
        }
    }

    /**
     * Runs new groups, and writes each when it has been run.
     *
     * @param batches of all groups of the task, in their order
     * @param serialized the groups, each a list of {@link KeptBatch}
     */
    Iterator<Tuple2<Integer, byte[]>> fresh(Iterator<byte[]> batches, byte[] serialized) throws IOException {
        TaskState all = new TaskState();
        try (StateFiles files = StateFiles.of(folder, configuration.value().value())) {
            for (Object next : JavaSerde.value(serialized, ArrayList.class)) {
                List<KeptBatch> group =
                        ((List<?>) next).stream().map(KeptBatch.class::cast).toList();
                First first = new First(batches, group.size());
                TaskState found = runner.run(first);
                first.skip();
                keep(group, found, files);
                all.merge(found);
            }
        }
        return CalibrationJob.rows(all);
    }

    private void keep(List<KeptBatch> group, TaskState found, StateFiles files) {
        String reason = "";
        if (found.problem() == null && found.tally().failed().count() == 0) {
            try {
                files.writeTexts(observation, group, found.toByteArray());
                return;
            } catch (IOException e) {
                reason = ReadFailure.reason(e);
            }
        }
        notKept.add(new Tuple2<>(group.get(0).key(), reason));
    }

    /** The next elements of another iterator. */
    private static final class First implements Iterator<byte[]> {
        private final Iterator<byte[]> all;
        private int left;

        First(Iterator<byte[]> all, int count) {
            this.all = all;
            this.left = count;
        }

        @Override
        public boolean hasNext() {
            return left > 0;
        }

        @Override
        public byte[] next() {
            if (left == 0) {
                throw new NoSuchElementException();
            }
            left--;
            return all.next();
        }

        /** Passes what is left, as after an error. */
        void skip() {
            while (left > 0) {
                next();
            }
        }
    }
}
