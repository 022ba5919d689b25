package io.kvscale.job.evaluation;

import io.kvscale.cache.FixedScales;
import io.kvscale.evaluation.Attention;
import io.kvscale.evaluation.EvaluationTask;
import io.kvscale.evaluation.SampleScore;
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
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.util.LongAccumulator;
import org.jspecify.annotations.Nullable;

/**
 * Scores all samples in one Spark job. Every sample runs by itself, and scores are summed in the order of sample names, so
 * the result has the same bits for any partitioning.
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

    /** A sample's score or its problem; a problem without a sample concerns the model. */
    private record Row(
            @Nullable SampleScore score, @Nullable DataProblem problem) implements Serializable {}

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
     * Why the model's graph cannot quantize its cache with these scales; empty if it can.
     *
     * @param folder local
     */
    static Optional<String> obstacle(List<NamedScales> scales, ModelManifest model, Path folder) {
        Optional<String> graph = DecoderModel.obstacle(folder, model.graph());
        if (graph.isPresent()) {
            return graph.map(reason -> "the model's graph has a form that is not known: " + reason);
        }
        return scales.stream()
                .filter(one ->
                        !FixedScales.of(one.table()).fitGraph(model.shape().geometry()))
                .findFirst()
                .map(one ->
                        DataProblem.shown(one.name()) + " has scale_dtype input, for which every step is rounded to "
                                + model.shape().cache());
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
        List<byte[]> rows = batches.mapPartitions(part -> score(part, manifest, where, all, how, tokens, samples))
                .collect();
        return result(rows.stream().map(row -> JavaSerde.value(row, Row.class)).toList());
    }

    private static Iterator<byte[]> score(
            Iterator<byte[]> batches,
            ModelManifest manifest,
            ModelLocation folder,
            List<FixedScales> scales,
            Attention attention,
            LongAccumulator tokens,
            LongAccumulator samples) {
        List<byte[]> rows = new ArrayList<>();
        if (!batches.hasNext()) {
            return rows.iterator();
        }
        try (DecoderModel model = DecoderModel.shared(manifest, folder.local(), EvaluationTask.outputs(attention));
                EvaluationTask task = new EvaluationTask(model, scales, attention)) {
            while (batches.hasNext()) {
                for (TokenSequence sample :
                        JavaSerde.value(batches.next(), TokenBatch.class).rows()) {
                    rows.add(JavaSerde.bytes(row(task, sample)));
                    tokens.add(sample.ids().length);
                    samples.add(1);
                }
            }
        } catch (InvalidDataException e) {
            rows.add(JavaSerde.bytes(new Row(null, e.problem())));
        }
        return rows.iterator();
    }

    private static Row row(EvaluationTask task, TokenSequence sample) {
        try {
            return new Row(task.score(sample), null);
        } catch (InvalidDataException e) {
            return new Row(null, e.problem());
        }
    }

    private EvaluationResult result(List<Row> rows) {
        List<SampleScore> scores = new ArrayList<>();
        FailedSamples failed = FailedSamples.NONE;
        for (Row row : rows) {
            DataProblem problem = row.problem();
            SampleScore score = row.score();
            if (score != null) {
                scores.add(score);
            } else if (problem != null) {
                if (problem.sample() == null) {
                    throw new InvalidDataException(problem);
                }
                failed = failed.merge(new FailedSamples(1, problem));
            }
        }
        if (failed.first() != null && failed.count() > maxFailedSamples) {
            throw new InvalidDataException(failed.first());
        }
        return new EvaluationResult(Evaluation.of(scores, scales, attention), failed);
    }
}
