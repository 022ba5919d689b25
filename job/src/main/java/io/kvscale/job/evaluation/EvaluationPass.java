package io.kvscale.job.evaluation;

import io.kvscale.cache.FixedScales;
import io.kvscale.evaluation.Attention;
import io.kvscale.evaluation.EvaluationTask;
import io.kvscale.evaluation.ScoreSums;
import io.kvscale.job.model.ModelLocation;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.ModelManifest;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.task.FailedSamples;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import io.kvscale.text.TokenBatch;
import io.kvscale.text.TokenSequence;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.LongAccumulator;
import org.jspecify.annotations.Nullable;

/**
 * Scores all samples in one Spark job. Every sample runs by itself, and tasks sum scores exactly, so the result has the
 * same bits for any partitioning, and the driver gets a few states whose size does not depend on the samples.
 *
 * @param folder where tasks find the model
 * @param scales the tables to compare, in the order of the result; they must {@linkplain #checkFit fit} the model
 * @param attention what tokens attend to
 * @param maxFailedSamples how many samples may be left out because the model fails on them
 */
record EvaluationPass(
        ModelManifest model,
        ModelLocation folder,
        List<NamedScales> scales,
        Attention attention,
        long maxFailedSamples) {
    private static final int MAX_NAMED = 10;

    /**
     * What tasks found out about their samples; a commutative monoid.
     *
     * @param broken a problem of the model, not of a sample; null if there is none
     */
    private record State(
            ScoreSums scores,
            FailedSamples failed,
            @Nullable DataProblem broken) implements Serializable {
        static final State NONE = new State(ScoreSums.NONE, FailedSamples.NONE, null);

        static State of(DataProblem problem) {
            return problem.sample() == null
                    ? new State(ScoreSums.NONE, FailedSamples.NONE, problem)
                    : new State(ScoreSums.NONE, new FailedSamples(1, problem), null);
        }

        State merge(State other) {
            return new State(
                    scores.merge(other.scores), failed.merge(other.failed), DataProblem.earlier(broken, other.broken));
        }
    }

    /**
     * Checks that scales fit a model.
     *
     * @throws InvalidDataException if a slot's layer, heads or head_dim are not the model's, or a layer has scales for K or V
     *     only; names the table and the slot
     */
    static void checkFit(List<NamedScales> scales, ModelShape model) {
        for (NamedScales one : scales) {
            try {
                FixedScales.of(one.table()).checkFit(model);
                checkPairs(one.table());
            } catch (InvalidDataException e) {
                throw new InvalidDataException(e.problem().inFile(one.name()), e);
            }
        }
    }

    private static void checkPairs(ScaleTable table) {
        for (Slot slot : table.slots().keySet()) {
            Slot other = slot.partner();
            if (!table.slots().containsKey(other)) {
                throw new InvalidDataException(DataProblem.of(
                                "the table has scales for the layer's "
                                        + slot.role().word() + ", but not for this slot",
                                "calibrate both, or remove the layer from the table to keep it in full precision")
                        .inSlot(other));
            }
        }
    }

    /**
     * Why the model's graph cannot quantize its cache with the scales; empty if it can. A task opens the model, which stays
     * open for the next one.
     *
     * @throws InvalidDataException if the model cannot run at all
     */
    Optional<String> obstacle(JavaSparkContext spark) {
        for (NamedScales one : scales) {
            if (!FixedScales.of(one.table()).fitGraph(model.shape().geometry())) {
                return Optional.of(
                        DataProblem.shown(one.name()) + " has scale_dtype input, for which every step is rounded to "
                                + model.shape().cache());
            }
        }
        ModelManifest manifest = model;
        ModelLocation where = folder;
        Opened opened = JavaSerde.value(
                spark.parallelize(List.of(0), 1)
                        .map(one -> JavaSerde.bytes(open(manifest, where)))
                        .first(),
                Opened.class);
        if (opened.problem() != null) {
            throw new InvalidDataException(opened.problem());
        }
        return Optional.ofNullable(opened.obstacle());
    }

    /** What came of opening the model in a task; nothing if it can quantize its cache. */
    private record Opened(
            @Nullable String obstacle, @Nullable DataProblem problem) implements Serializable {}

    private static Opened open(ModelManifest manifest, ModelLocation folder) {
        try {
            return new Opened(DecoderModel.obstacle(manifest, folder.local()).orElse(null), null);
        } catch (InvalidDataException e) {
            return new Opened(null, e.problem());
        }
    }

    /** This pass in chunks. */
    EvaluationPass inChunks(int chunk) {
        return new EvaluationPass(model, folder, scales, new Attention(chunk, 0), maxFailedSamples);
    }

    /** A notice for each table without scales for some layers, which stay in full precision. */
    static List<String> notices(List<NamedScales> scales, ModelShape model) {
        List<String> notices = new ArrayList<>();
        for (NamedScales one : scales) {
            List<Integer> missing = one.missing(model.layers());
            if (!missing.isEmpty()) {
                notices.add(DataProblem.shown(one.name()) + " has no scales for " + missing.size() + " of "
                        + model.layers() + " layers, which stay in full precision: "
                        + missing.stream().limit(MAX_NAMED).map(String::valueOf).collect(Collectors.joining(", "))
                        + (missing.size() > MAX_NAMED ? ", ..." : ""));
            }
        }
        return notices;
    }

    /**
     * Runs all samples.
     *
     * @param batches {@link TokenBatch}es as bytes of {@link JavaSerde}
     * @param tokens receives the number of tokens that were run; {@code samples} that of samples
     * @throws InvalidDataException if too many samples fail, or nothing was measured
     */
    EvaluationResult run(JavaRDD<byte[]> batches, LongAccumulator tokens, LongAccumulator samples) {
        ModelManifest manifest = model;
        ModelLocation where = folder;
        Attention how = attention;
        ArrayList<FixedScales> all = new ArrayList<>();
        scales.forEach(one -> all.add(FixedScales.of(one.table())));
        byte[] state = batches.mapPartitions(
                        part -> List.of(JavaSerde.bytes(score(part, manifest, where, all, how, tokens, samples)))
                                .iterator())
                .treeReduce((a, b) -> JavaSerde.bytes(state(a).merge(state(b))));
        return result(state(state));
    }

    private static State state(byte[] bytes) {
        return JavaSerde.value(bytes, State.class);
    }

    private static State score(
            Iterator<byte[]> batches,
            ModelManifest manifest,
            ModelLocation folder,
            List<FixedScales> scales,
            Attention attention,
            LongAccumulator tokens,
            LongAccumulator samples) {
        State state = State.NONE;
        if (!batches.hasNext()) {
            return state;
        }
        try (DecoderModel model = DecoderModel.shared(manifest, folder.local(), EvaluationTask.outputs(attention));
                EvaluationTask task = new EvaluationTask(model, scales, attention)) {
            while (batches.hasNext()) {
                for (TokenSequence sample :
                        JavaSerde.value(batches.next(), TokenBatch.class).rows()) {
                    state = state.merge(score(task, sample));
                    tokens.add(sample.ids().length);
                    samples.add(1);
                }
            }
        } catch (InvalidDataException e) {
            state = state.merge(State.of(e.problem()));
        }
        return state;
    }

    private static State score(EvaluationTask task, TokenSequence sample) {
        try {
            return new State(ScoreSums.of(task.score(sample)), FailedSamples.NONE, null);
        } catch (InvalidDataException e) {
            return State.of(e.problem());
        }
    }

    private EvaluationResult result(State state) {
        if (state.broken() != null) {
            throw new InvalidDataException(state.broken());
        }
        DataProblem first = state.failed().first();
        if (first != null && state.failed().count() > maxFailedSamples) {
            throw new InvalidDataException(first);
        }
        return new EvaluationResult(Evaluation.of(state.scores(), scales, attention), state.failed());
    }
}
