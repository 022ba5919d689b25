package io.kvscale.job.calibration;

import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.job.calibration.GroupTask.Group;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.state.GroupPlan;
import io.kvscale.job.state.KeptGroup;
import io.kvscale.job.state.Observation;
import io.kvscale.job.state.StateFolder;
import io.kvscale.job.state.StateUse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.CollectionAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;

/**
 * The groups of files of a run with a state. A task writes what it finds in a group to the state when it has read the group.
 * A task for a group of an earlier run takes that instead, and reads the files if it is damaged.
 */
final class KeptGroups {
    private final JavaSparkContext spark;
    private final StateFolder state;
    private final List<InputFile> files;
    private final int partitions;
    private final Broadcast<SerializableConfiguration> configuration;
    private final Map<Observation, GroupPlan> plans = new HashMap<>();
    private final List<GroupPlan> run = new ArrayList<>();
    /** Files of groups that tasks could not use, each with the reason. */
    private final CollectionAccumulator<Tuple2<String, String>> damaged;
    /** Why groups could not be written, each with a name for the group. */
    private final CollectionAccumulator<Tuple2<String, String>> notKept;
    /** Files of groups that are part of a larger one now. */
    private final CollectionAccumulator<String> packed;

    /** @param partitions least number of groups that are read; 0: enough for every core */
    KeptGroups(
            JavaSparkContext spark,
            StateFolder state,
            List<InputFile> files,
            int partitions,
            Broadcast<SerializableConfiguration> configuration) {
        this.spark = spark;
        this.state = state;
        this.files = files;
        this.partitions = partitions;
        this.configuration = configuration;
        this.damaged = spark.sc().collectionAccumulator("kvscale damaged groups");
        this.notKept = spark.sc().collectionAccumulator("kvscale groups not kept");
        this.packed = spark.sc().collectionAccumulator("kvscale packed groups");
    }

    GroupPlan plan(Observation observation) {
        return plans.computeIfAbsent(
                observation, o -> state.plan(o, files, partitions, Math.max(1, spark.defaultParallelism())));
    }

    /** The groups in words, for the description of a Spark job. */
    String described(Observation observation) {
        GroupPlan plan = plan(observation);
        return plan.fresh().size() + " groups to read, " + plan.reused().size() + " kept";
    }

    /** Number of tasks. */
    int tasks(Observation observation) {
        return tasks(plan(observation)).size();
    }

    /** One task for each group to read, one for small groups to pack, and a few for all others. */
    private List<GroupTask> tasks(GroupPlan plan) {
        List<GroupTask> tasks = new ArrayList<>();
        plan.fresh().forEach(split -> tasks.add(GroupTask.of(new Group(split.pieces(), null))));
        List<KeptGroup> single = new ArrayList<>(plan.reused());
        for (List<KeptGroup> pack : plan.packs()) {
            ArrayList<Group> groups = new ArrayList<>();
            pack.forEach(group -> groups.add(kept(group)));
            tasks.add(new GroupTask(groups, true));
            single.removeAll(pack);
        }
        int takers = Math.min(single.size(), Math.max(1, spark.defaultParallelism()));
        for (int i = 0; i < takers; i++) {
            tasks.add(GroupTask.of(kept(single.get(i))));
        }
        for (int i = takers; i < single.size(); i++) {
            tasks.get(tasks.size() - takers + i % takers).groups().add(kept(single.get(i)));
        }
        return tasks;
    }

    private static Group kept(KeptGroup group) {
        return new Group(new ArrayList<>(group.pieces()), group.file());
    }

    /** What a reader finds in all files, or found in an earlier run; runs nothing yet. */
    <K, T> JavaPairRDD<K, byte[]> run(Observation observation, GroupReader<K, T> reader) {
        run.add(plan(observation));
        List<byte[]> tasks =
                tasks(plan(observation)).stream().map(JavaSerde::bytes).toList();
        GroupRun<K, T> how = new GroupRun<>(state.path(), observation, reader, configuration, damaged, notKept, packed);
        return spark.parallelize(tasks, tasks.size()).flatMapToPair(how::rows);
    }

    /** Whether the state knows that these files, and no others, have been observed together. */
    boolean holds(Observation observation, List<InputFile> observed) {
        return state.plan(observation, observed, 1, 1).isOneGroup();
    }

    /** Keeps that these files have been observed. */
    void keep(Observation observation, List<InputFile> observed) {
        List<FilePiece> pieces = observed.stream()
                .map(file -> new FilePiece(file, 0, file.length()))
                .toList();
        state.keep(observation, pieces, new byte[0]);
    }

    /** What the tasks that have run took from the state. */
    StateUse use() {
        Set<String> unusable = new HashSet<>();
        damaged.value().forEach(group -> unusable.add(group._1()));
        long reused = 0;
        long reusedBytes = 0;
        long read = 0;
        long readBytes = 0;
        for (GroupPlan plan : run) {
            for (KeptGroup group : plan.reused()) {
                boolean used = !unusable.contains(group.file());
                reused += used ? 1 : 0;
                reusedBytes += used ? group.bytes() : 0;
                read += used ? 0 : 1;
                readBytes += used ? 0 : group.bytes();
            }
            read += plan.fresh().size();
            readBytes += plan.freshBytes();
        }
        Set<String> lost = new HashSet<>();
        notKept.value().forEach(group -> lost.add(group._1()));
        return new StateUse(state.name(), StateUse.Unit.BYTES, reused, reusedBytes, read, readBytes, lost.size());
    }

    /** Ends the run: removes groups that others stand for. Returns notices of groups that could not be used or kept. */
    List<String> finish() {
        packed.value().forEach(state::remove);
        run.forEach(plan -> plan.redundant().forEach(group -> state.remove(group.file())));
        damaged.value().forEach(group -> state.damaged(group._1(), group._2()));
        List<String> notices = new ArrayList<>(state.notices("its files were read again"));
        long lost = use().groupsNotKept();
        if (lost > 0) {
            notices.add("the state " + state.name() + " does not keep " + (lost == 1 ? "a group" : lost + " groups")
                    + " that this run read: " + notKept.value().get(0)._2()
                    + "; free space, or check permissions: the next run reads them again");
        }
        return notices;
    }
}
