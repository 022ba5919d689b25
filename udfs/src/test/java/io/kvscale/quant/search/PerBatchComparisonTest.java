package io.kvscale.quant.search;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.FilePiece;
import io.kvscale.input.Split;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.quant.ScaleSet;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.task.CalibrationTask;
import io.kvscale.tensor.Slot;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Compares {@link Mse} with llm-compressor's {@code mse} observer over all values of six samples. llm-compressor averages the
 * ranges that it chooses per batch; kvscale chooses one range for the corpus.
 */
@EnabledIfSystemProperty(named = "kvscale.captures", matches = ".+")
class PerBatchComparisonTest {
    private static final int SAMPLES = 6;
    private static final float C = 0.01f;

    private final Configuration hadoop = new Configuration();

    @ParameterizedTest
    @EnumSource(NumberFormat.class)
    void oneRangeForTheCorpusIsNeverWorseThanTheAverageRange(NumberFormat format) {
        Path folder = Path.of(System.getProperty("kvscale.captures")).resolve("dynamic_cache");
        List<FilePiece> pieces = Split.plan(
                        CaptureListing.of(List.of(folder.toString()), hadoop).files(), 1)
                .get(0)
                .pieces()
                .subList(0, SAMPLES);
        Map<Slot, SlotStatistics> whole = statistics(pieces);
        Map<Slot, float[]> average = new TreeMap<>();
        for (FilePiece piece : pieces) {
            statistics(List.of(piece)).forEach((slot, batch) -> average.merge(slot, chosen(batch, format), this::fold));
        }
        QuantizationScheme scheme = QuantizationScheme.of(format, Strategy.TENSOR, true, new Mse());
        List<Double> ratios = new ArrayList<>();
        double theirs = 0;
        double ours = 0;
        for (Map.Entry<Slot, SlotStatistics> slot : whole.entrySet()) {
            float[] range = Objects.requireNonNull(average.get(slot.getKey()));
            ValueCounts counts = counts(slot.getValue());
            double averaged =
                    error(counts, format, QuantParameters.ofRange(range[0], range[1], format, true, Dtype.F32));
            double chosen = error(
                    counts, format, ScaleSet.derive(slot.getValue(), scheme).parameters()[0]);
            assertThat(chosen).as("%s", slot.getKey()).isLessThanOrEqualTo(averaged);
            for (int step = 0; step < 100; step++) {
                float p = (float) (1 - step / 100.0);
                QuantParameters shrunk = QuantParameters.ofRange(
                        slot.getValue().min() * p, slot.getValue().max() * p, format, true, Dtype.F32);
                assertThat(chosen)
                        .as("%s, step %d of the reference's grid", slot.getKey(), step)
                        .isLessThanOrEqualTo(error(counts, format, shrunk) * (1 + 1e-12));
            }
            ratios.add(averaged / chosen);
            theirs += averaged;
            ours += chosen;
        }
        ratios.sort(null);
        System.out.printf(
                "%s: sum of |q - x|^2.4 over %d slots: averaged per batch %.6g, once for all %.6g; by slot the first is"
                        + " %.4f (least), %.4f (median), %.4f (greatest) times the second%n",
                format,
                ratios.size(),
                theirs,
                ours,
                ratios.get(0),
                ratios.get(ratios.size() / 2),
                ratios.get(ratios.size() - 1));
        assertThat(ratios).hasSize(60);
    }

    private Map<Slot, SlotStatistics> statistics(List<FilePiece> pieces) {
        return CalibrationTask.run(
                        new Split(new ArrayList<>(pieces)),
                        SlotSchemes.of(QuantizationScheme.fp8()),
                        StatisticsKind.HISTOGRAM,
                        CaptureOptions.defaults(),
                        hadoop,
                        CaptureReader.Depth.VALUES,
                        bytes -> {},
                        failure -> {})
                .statistics()
                .slots();
    }

    private static ValueCounts counts(SlotStatistics slot) {
        return Objects.requireNonNull(slot.histogram(0, slot.geometry().heads()));
    }

    /** The range that llm-compressor chooses in one batch, with steps in the type of the data. */
    private static float[] chosen(SlotStatistics batch, NumberFormat format) {
        ValueCounts counts = counts(batch);
        float[] values = new float[(int) Arrays.stream(counts.counts()).sum()];
        int next = 0;
        for (int i = 0; i < counts.values().length; i++) {
            int end = next + (int) counts.counts()[i];
            Arrays.fill(values, next, end, counts.values()[i]);
            next = end;
        }
        ReferenceMseSearch.Result result =
                ReferenceMseSearch.DEFAULT.search(new float[][] {values}, format, true, Dtype.BF16);
        return new float[] {result.min()[0], result.max()[0]};
    }

    private float[] fold(float[] old, float[] now) {
        return new float[] {average(old[0], now[0]), average(old[1], now[1])};
    }

    private static float average(float old, float now) {
        return Dtype.BF16.round(Dtype.BF16.round(old * (1 - C)) + Dtype.BF16.round(now * C));
    }

    private static double error(ValueCounts counts, NumberFormat format, QuantParameters parameters) {
        double sum = 0;
        for (int i = 0; i < counts.values().length; i++) {
            float x = counts.values()[i];
            float q = parameters.dequantize(parameters.quantize(x, format, Dtype.F32), Dtype.F32);
            sum += counts.counts()[i] * Math.pow(Math.abs((double) q - x), 2.4);
        }
        return sum;
    }
}
