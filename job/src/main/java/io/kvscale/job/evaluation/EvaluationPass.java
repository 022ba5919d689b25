package io.kvscale.job.evaluation;

import io.kvscale.cache.FixedScales;
import io.kvscale.evaluation.EvaluationTask;
import io.kvscale.evaluation.SampleScore;
import io.kvscale.job.model.ModelLocation;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.ModelManifest;
import io.kvscale.model.Outputs;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.scheme.ScaleTable;
import io.kvscale.task.FailedSamples;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import io.kvscale.text.TokenBatch;
import io.kvscale.text.TokenSequence;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.util.LongAccumulator;
import org.jspecify.annotations.Nullable;

/**
 * Runs a model over texts on Spark, in one Spark job, with the full-precision cache and with quantized ones. Every sample is
 * run by itself and summed in the order of names, so the result has the same bits for any partitioning.
 */
final class EvaluationPass {
    private static final int MAX_NAMED = 10;

    private final ModelManifest model;
    private final ModelLocation folder;
    private final List<NamedScales> scales;
    private final Evaluation.Settings settings;
    private final long maxFailedSamples;

    /** What a task gives for one sample: one of the two. A problem without a sample is the model's own. */
    private record Row(
            @Nullable SampleScore score, @Nullable DataProblem problem) implements Serializable {}

    /**
     * Runs nothing yet.
     *
     * @param folder where tasks find the model
     * @param scales to compare, in the order of the result; they fit the model, see {@link #checkFit}
     * @param maxFailedSamples how many samples may be left out because the model fails on them
     */
    EvaluationPass(
            ModelManifest model,
            ModelLocation folder,
            List<NamedScales> scales,
            Evaluation.Settings settings,
            long maxFailedSamples) {
        this.model = model;
        this.folder = folder;
        this.scales = List.copyOf(scales);
        this.settings = settings;
        this.maxFailedSamples = maxFailedSamples;
    }

    /**
     * Looks whether scales are a model's.
     *
     * @throws InvalidDataException if one is of a layer that the model does not have, of other heads, or of K or V alone
     *     of a layer; it names the scales and the slot
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
            Slot other = new Slot(slot.layer(), slot.role() == Role.KEY ? Role.VALUE : Role.KEY);
            if (!table.slots().containsKey(other)) {
                throw new InvalidDataException(DataProblem.of(
                                "there are no scales of this slot, but of the layer's "
                                        + slot.role().word(),
                                "calibrate both, or take the layer out of the table: then all of it stays in full precision")
                        .inSlot(other));
            }
        }
    }

    /** Which layers tables leave in full precision, a notice for each table that leaves any. */
    static List<String> notices(List<NamedScales> scales, ModelShape model) {
        List<String> notices = new ArrayList<>();
        for (NamedScales one : scales) {
            List<Integer> missing = IntStream.range(0, model.layers())
                    .filter(layer -> !one.table().slots().containsKey(new Slot(layer, Role.KEY)))
                    .boxed()
                    .toList();
            if (!missing.isEmpty()) {
                notices.add(DataProblem.shown(one.name()) + " has no scales of " + missing.size() + " of "
                        + model.layers() + " layers: in full precision "
                        + (missing.size() == 1 ? "stays layer " : "stay layers ")
                        + missing.stream().limit(MAX_NAMED).map(String::valueOf).collect(Collectors.joining(", "))
                        + (missing.size() > MAX_NAMED ? ", ..." : ""));
            }
        }
        return notices;
    }

    /**
     * Runs all samples.
     *
     * @param batches each a {@link TokenBatch} as {@link JavaSerde} writes it
     * @param tokens is told those of every sample that was run
     * @param samples counts them
     * @throws InvalidDataException if more samples fail than may, or no token was predicted
     */
    EvaluationResult run(JavaRDD<byte[]> batches, LongAccumulator tokens, LongAccumulator samples) {
        ModelManifest manifest = model;
        ModelLocation where = folder;
        ArrayList<FixedScales> all = new ArrayList<>();
        scales.forEach(one -> all.add(FixedScales.of(one.table())));
        int chunk = settings.chunk();
        int residualLength = settings.residualLength();
        List<byte[]> rows = batches.mapPartitions(
                        part -> score(part, manifest, where, all, chunk, residualLength, tokens, samples))
                .collect();
        return result(rows.stream().map(row -> JavaSerde.value(row, Row.class)).toList());
    }

    private static Iterator<byte[]> score(
            Iterator<byte[]> batches,
            ModelManifest manifest,
            ModelLocation folder,
            List<FixedScales> scales,
            int chunk,
            int residualLength,
            LongAccumulator tokens,
            LongAccumulator samples) {
        List<byte[]> rows = new ArrayList<>();
        if (!batches.hasNext()) {
            return rows.iterator();
        }
        try (DecoderModel model = DecoderModel.shared(manifest, folder.local(), Outputs.CACHE_AND_LOGITS);
                EvaluationTask task = new EvaluationTask(model, scales, chunk, residualLength)) {
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
        DataProblem first = failed.first();
        if (first != null && failed.count() > maxFailedSamples) {
            throw new InvalidDataException(first);
        }
        return new EvaluationResult(Evaluation.of(scores, scales, settings), failed.count(), first);
    }
}
