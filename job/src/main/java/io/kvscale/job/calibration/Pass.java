package io.kvscale.job.calibration;

import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.input.InputFile;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.Work;
import io.kvscale.job.state.StateUse;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.option.KeyScope.Input;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.task.SampleSlots;
import io.kvscale.task.TaskState;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Slot;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.util.LongAccumulator;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/** The tasks that read one kind of corpus, planned. */
interface Pass extends AutoCloseable {
    /** The recipe, with what is known of the model. */
    Recipe recipe();

    /** The description of the Spark job. */
    String description();

    /** The amount of work, for progress. */
    Work work();

    /** The number of tasks. */
    int partitions();

    /** Facts about the corpus that a dry run prints, by label. */
    Map<String, String> facts();

    /** Corpus facts known only to the driver. */
    default Corpus corpus() {
        return Corpus.EMPTY;
    }

    /**
     * The {@linkplain TaskState#parts parts} of all tasks' states, as bytes; runs nothing.
     *
     * @param kind what to keep of the values
     * @param observed receives the bytes of K and V, or the tokens, that tasks observe
     * @param samples receives the samples that a model ran over
     */
    JavaPairRDD<Integer, byte[]> states(
            Depth depth, StatisticsKind kind, LongAccumulator observed, LongAccumulator samples);

    /**
     * What each sample holds, as bytes of {@code SampleSlots} by sample; runs nothing. Only for captures and tables.
     *
     * @param scanned the slots whose values are read, at the ends of each sample
     * @param looked receives the files or rows that tasks looked at
     */
    default JavaPairRDD<String, byte[]> survey(TreeSet<Slot> scanned, LongAccumulator looked) {
        throw new UnsupportedOperationException("texts have no captures to look at");
    }

    /** Samples as rows for the shuffle. */
    static Iterator<Tuple2<String, byte[]>> rows(Collection<SampleSlots> samples) {
        return samples.stream()
                .map(sample -> new Tuple2<>(sample.origin().toString(), JavaSerde.bytes(sample)))
                .iterator();
    }

    /** Why a corpus without any K or V holds none; null if nothing more is known. */
    default @Nullable DataProblem nothingFound() {
        return null;
    }

    /** Runs the tasks. Adds the checks and the error context of this kind of corpus. */
    default TaskState withContext(Supplier<TaskState> run) {
        return run.get();
    }

    /** Whether the corpus is captures, with headers that a dry run can read; else it is texts. */
    default boolean readsTensors() {
        return true;
    }

    /** Whether the order of a tensor's axes is a guess: neither the recipe nor the model says it. */
    default boolean checksLayout() {
        return readsTensors()
                && recipe().capture().layout() == null
                && recipe().capture().kvHeads() == 0
                && recipe().capture().model() == null;
    }

    /** The problem of captures without a config.json whose values show another layout; null if none is known. */
    default @Nullable DataProblem wrongLayout() {
        return null;
    }

    /** What to do about padding that cannot be cut off, as words after "or"; empty if nothing. */
    default String maskRemedy() {
        String mask = recipe().capture().mask();
        return mask == null
                ? "save a tensor attention_mask [batch, tokens] with it, 1 for tokens and 0 for padding; if it has"
                        + " another name, set mask: NAME under kvscale"
                : "correct mask: " + mask + " under kvscale: a tensor of 1 for tokens and 0 for padding";
    }

    /** Whether this pass is the first of two: the second one feeds back the scales that it gives. */
    default boolean wantsScales() {
        return false;
    }

    /** The second pass, which feeds back these scales. */
    default Pass with(ScaleTable scales) {
        return this;
    }

    /**
     * The texts of this pass in parts: the first ones in the order of their hashes, then each time as many as all before. Only
     * for texts.
     */
    default List<? extends Pass> doubling() {
        throw new UnsupportedOperationException("only texts have a cost that is worth stopping for");
    }

    /** The size of the texts, and the times of planning; null for captures and tables. */
    default @Nullable TextRun textRun() {
        return null;
    }

    /** The files that the pass reads; empty if they are not known, as for a table. */
    default List<InputFile> files() {
        return List.of();
    }

    /** Identifies the model that computes K and V; null for captures and tables. */
    default @Nullable String modelSha256() {
        return null;
    }

    /** What the tasks took from a state; null for a pass without one. */
    default @Nullable StateUse stateUse() {
        return null;
    }

    /** Ends the use of a state, after the pass has run. Returns notices about it. */
    default List<String> finishState() {
        return List.of();
    }

    /** Notices for the user, before the pass runs. */
    List<String> notices();

    /**
     * A notice of the recipe keys that do not concern the input.
     *
     * @param input the input in words
     * @return empty if there are no such keys
     */
    default List<String> unused(String input, Input... kinds) {
        List<String> unused = recipe().unused(kinds);
        return unused.isEmpty()
                ? List.of()
                : List.of("the recipe sets " + String.join(", ", unused) + ", which has no effect on " + input);
    }

    /** Releases what the pass keeps on the executors. */
    @Override
    default void close() {}
}
