package io.kvscale.job.calibration;

import io.kvscale.job.corpus.ModelCorpus;
import io.kvscale.job.corpus.plan.BatchPlan;
import io.kvscale.job.corpus.plan.KeyedBatch;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.state.KeptBatch;
import io.kvscale.job.state.KeptGroup;
import io.kvscale.job.state.Observation;
import io.kvscale.job.state.StateFolder;
import io.kvscale.job.state.StateUse;
import io.kvscale.job.state.TextPlan;
import io.kvscale.task.TaskState;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.CollectionAccumulator;
import scala.Tuple2;

/**
 * The texts of a run with a state. The model runs only over batches that the state does not know. Groups are cut in the order of hashes, so that texts that a growing corpus displaces lie together.
 */
final class KeptTexts {
    private final JavaSparkContext spark;
    private final StateFolder state;
    private final ModelCorpus texts;
    private final int partitions;
    /** By what a pass observes; each pass is run. */
    private final Map<Observation, Planned> plans = new HashMap<>();
    /** A name for each group of this run that is not kept, with the reason; an empty one for texts that failed. */
    private final CollectionAccumulator<Tuple2<String, String>> notKept;

    /**
     * The plan of a pass.
     *
     * @param batches in the order in which new groups are cut
     * @param numbers the numbers of these batches in the plan of the texts
     */
    private record Planned(List<KeptBatch> batches, List<Integer> numbers, TextPlan plan) {
        List<KeptBatch> fresh() {
            return plan.fresh().stream().flatMap(List::stream).map(batches::get).toList();
        }
    }

    /** @param partitions least number of groups that are run, and most tasks that run them; 0: enough for every core */
    KeptTexts(JavaSparkContext spark, StateFolder state, ModelCorpus texts, int partitions) {
        this.spark = spark;
        this.state = state;
        this.texts = texts;
        this.partitions = partitions;
        this.notKept = spark.sc().collectionAccumulator("kvscale groups of texts not kept");
    }

    private Planned plan(Observation observation) {
        return plans.computeIfAbsent(observation, o -> {
            List<KeyedBatch> keyed = texts.corpus().plan().keyed();
            List<Integer> numbers = IntStream.range(0, keyed.size())
                    .boxed()
                    .sorted(Comparator.comparing(
                                    (Integer number) -> keyed.get(number).last())
                            .thenComparing(number -> keyed.get(number).key()))
                    .toList();
            List<KeptBatch> batches = numbers.stream()
                    .map(keyed::get)
                    .map(batch -> new KeptBatch(batch.key(), batch.texts(), batch.tokens()))
                    .toList();
            return new Planned(
                    batches, numbers, state.planTexts(o, batches, TaskState::fromByteArray, partitions, cores()));
        });
    }

    private int cores() {
        return Math.max(1, spark.defaultParallelism());
    }

    private List<Long> tokens(Planned planned) {
        return planned.plan().fresh().stream()
                .map(group -> group.stream()
                        .mapToLong(number -> planned.batches().get(number).tokens())
                        .sum())
                .toList();
    }

    /** Number of tasks that run the model. */
    private int runners(Planned planned) {
        return Math.min(
                planned.plan().fresh().size(),
                partitions > 0 ? partitions : texts.corpus().tasks());
    }

    private int takers(Planned planned) {
        return Math.min(planned.plan().reused().size(), cores());
    }

    /** What a pass takes and runs; plans it first. */
    record Size(int tasks, long tokens, int texts) {}

    Size size(Observation observation) {
        Planned planned = plan(observation);
        return new Size(
                runners(planned) + takers(planned),
                planned.fresh().stream().mapToLong(KeptBatch::tokens).sum(),
                planned.fresh().stream().mapToInt(KeptBatch::texts).sum());
    }

    /** What a runner finds in all texts, or found in an earlier run; runs nothing yet. */
    JavaPairRDD<Integer, byte[]> run(Observation observation, TextGroups.Runner runner) {
        Planned planned = plan(observation);
        TextPlan plan = planned.plan();
        TextGroups groups =
                new TextGroups(state.path(), observation, texts.model().configuration(), runner, notKept);
        if (plan.reused().isEmpty()) {
            return fresh(planned, groups);
        }
        List<byte[]> reused = plan.reused().stream()
                .map(group -> JavaSerde.bytes(group.file()))
                .toList();
        JavaPairRDD<Integer, byte[]> taken =
                spark.parallelize(reused, takers(planned)).mapPartitionsToPair(groups::taken);
        return plan.fresh().isEmpty() ? taken : taken.union(fresh(planned, groups));
    }

    private JavaPairRDD<Integer, byte[]> fresh(Planned planned, TextGroups groups) {
        int tasks = runners(planned);
        int[] taskOfGroup = BatchPlan.balanced(tokens(planned), tasks);
        List<ArrayList<ArrayList<KeptBatch>>> ofTasks = new ArrayList<>();
        for (int i = 0; i < tasks; i++) {
            ofTasks.add(new ArrayList<>());
        }
        List<Integer> numbers = new ArrayList<>();
        List<Integer> taskOfBatch = new ArrayList<>();
        for (int i = 0; i < taskOfGroup.length; i++) {
            ArrayList<KeptBatch> group = new ArrayList<>();
            for (int number : planned.plan().fresh().get(i)) {
                group.add(planned.batches().get(number));
                numbers.add(planned.numbers().get(number));
                taskOfBatch.add(taskOfGroup[i]);
            }
            ofTasks.get(taskOfGroup[i]).add(group);
        }
        var broadcast = spark.broadcast(ofTasks.stream().map(JavaSerde::bytes).toArray(byte[][]::new));
        return texts.corpus()
                .batches(
                        texts.corpus().plan().only(numbers),
                        tasks,
                        taskOfBatch.stream().mapToInt(Integer::intValue).toArray())
                .mapPartitionsWithIndex(
                        (task, batches) -> groups.fresh(batches, broadcast.value()[task]), false)
                .mapToPair(row -> row);
    }

    /** What the passes that have run took from the state. */
    StateUse use() {
        long reused = 0;
        long reusedTokens = 0;
        long read = 0;
        long readTokens = 0;
        for (Planned planned : plans.values()) {
            reused += planned.plan().reused().size();
            reusedTokens += planned.plan().reused().stream()
                    .mapToLong(KeptGroup::tokens)
                    .sum();
            read += planned.plan().fresh().size();
            readTokens += planned.fresh().stream().mapToLong(KeptBatch::tokens).sum();
        }
        return new StateUse(state.name(), StateUse.Unit.TOKENS, reused, reusedTokens, read, readTokens, lost().size());
    }

    /** Why groups could not be written, by name. */
    private Map<String, String> lost() {
        Map<String, String> lost = new TreeMap<>();
        notKept.value().forEach(group -> lost.put(group._1(), group._2()));
        lost.values().removeIf(String::isEmpty);
        return lost;
    }

    /** Ends the run: removes groups that others stand for. Returns notices of groups that could not be used or kept. */
    List<String> finish() {
        if (notKept.value().isEmpty()) {
            plans.values().forEach(planned -> planned.plan().stale().forEach(group -> state.remove(group.file())));
        }
        List<String> notices = new ArrayList<>(state.notices("the model ran over its texts again"));
        Map<String, String> lost = lost();
        if (!lost.isEmpty()) {
            notices.add("the state " + state.name() + " does not keep "
                    + (lost.size() == 1 ? "a group" : lost.size() + " groups") + " of texts that this run ran: "
                    + lost.values().iterator().next()
                    + "; free space, or check permissions: the next run runs them again");
        }
        return notices;
    }
}
