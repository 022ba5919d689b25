package io.kvscale.quant;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.search.Mse;
import io.kvscale.quant.search.Percentile;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.task.CalibrationTask;
import io.kvscale.task.TaskState;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Errors computed from histograms equal those of fake-quantizing every value of the captures. */
class ErrorTruthTest {
    private final Configuration hadoop = new Configuration();

    @ParameterizedTest
    @ValueSource(strings = "../conf/sample")
    void errorsFromHistogramsEqualErrorsOfValues(String folder) {
        compare(folder, "");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"dynamic_cache", "vllm_connector", "float16", "batched", "sequence_first", "arrow/captures.arrow"
            })
    @EnabledIfSystemProperty(named = "kvscale.captures", matches = ".+")
    void errorsFromHistogramsEqualErrorsOfValuesInLargeCaptures(String folder) {
        compare(Path.of(System.getProperty("kvscale.captures")).resolve(folder).toString(), folder);
    }

    private void compare(String folder, String name) {
        Split all = Split.plan(CaptureListing.of(List.of(folder), hadoop).files(), 1)
                .get(0);
        CaptureOptions options = options(name);
        TaskState outcome = CalibrationTask.run(
                all,
                SlotSchemes.of(QuantizationScheme.fp8()),
                StatisticsKind.HISTOGRAM,
                options,
                hadoop,
                CaptureReader.Depth.VALUES,
                bytes -> {},
                failure -> {});
        assertThat(outcome.problem()).isNull();
        Map<Slot, List<List<Float>>> values = values(all, options);
        int compared = 0;
        for (Map.Entry<Slot, SlotStatistics> slot : outcome.statistics().slots().entrySet()) {
            List<QuantizationScheme> schemes = schemes().toList();
            // Each slot is tested with some schemes, each scheme on some slots.
            for (int i = slot.getKey().layer() % 7; i < schemes.size(); i += 7) {
                check(
                        slot.getKey(),
                        slot.getValue(),
                        schemes.get(i),
                        Objects.requireNonNull(values.get(slot.getKey())));
                compared++;
            }
        }
        assertThat(compared).isGreaterThan(100);
    }

    private static CaptureOptions options(String name) {
        CaptureOptions defaults = CaptureOptions.defaults();
        return !name.equals("vllm_connector")
                ? defaults
                : new CaptureOptions(
                        defaults.keyTensors(),
                        defaults.valueTensors(),
                        defaults.layout(),
                        3,
                        defaults.headDim(),
                        defaults.mask(),
                        defaults.targets(),
                        defaults.ignore(),
                        defaults.mla(),
                        defaults.columns());
    }

    private static void check(
            Slot slot, SlotStatistics statistics, QuantizationScheme scheme, List<List<Float>> heads) {
        ScaleSet set = ScaleSet.derive(statistics, scheme);
        Dtype step = set.scheme().step(set.geometry());
        // Compensated: a plain sum of millions of terms has a larger error than the tolerance.
        List<Double> signals = new ArrayList<>();
        List<Double> noises = new ArrayList<>();
        long saturated = 0;
        long count = 0;
        Set<Float> codes = new HashSet<>();
        for (int head = 0; head < heads.size(); head++) {
            QuantParameters p = set.parameters()[scheme.strategy() == Strategy.TENSOR ? 0 : head];
            for (float x : heads.get(head)) {
                float q = p.quantize(x, scheme.format(), step);
                double error = (double) (step.round(q - p.zeroPoint()) * p.scale()) - x;
                float t = step.round(step.round(x / p.scale()) + p.zeroPoint());
                saturated += t > scheme.format().max() || t < scheme.format().min() ? 1 : 0;
                codes.add(scheme.format().isInteger() ? q + 0f : q);
                signals.add((double) x * x);
                noises.add(error * error);
                count++;
            }
        }
        double signal = sum(signals);
        double noise = sum(noises);
        SlotError error = Objects.requireNonNull(SlotError.of(statistics, scheme));
        assertThat(error.count()).isEqualTo(count);
        assertThat(error.saturated()).as("%s %s", slot, scheme).isEqualTo(saturated);
        assertThat(error.codesUsed()).as("%s %s", slot, scheme).isEqualTo(codes.size());
        assertThat(error.approximate()).isFalse();
        near(error.signal(), signal);
        near(error.noise(), noise);
        near(error.mse(), noise / count);
        if (noise > 0) {
            near(error.sqnrDb(), 10 * Math.log10(signal / noise));
        }
    }

    private static double sum(List<Double> terms) {
        double part = 0;
        double lost = 0;
        for (double term : terms) {
            double next = part + term;
            lost += (part - next) + term;
            part = next;
        }
        return part + lost;
    }

    private static void near(double actual, double expected) {
        assertThat(Math.abs(actual - expected)).isLessThanOrEqualTo(1e-12 * Math.abs(expected));
    }

    static Stream<QuantizationScheme> schemes() {
        List<QuantizationScheme> schemes = new ArrayList<>();
        for (NumberFormat format : NumberFormat.values()) {
            for (Strategy strategy : new Strategy[] {Strategy.TENSOR, Strategy.ATTN_HEAD}) {
                for (Observer observer : new Observer[] {new StaticMinMax(), new Mse(), new Percentile()}) {
                    for (boolean symmetric : new boolean[] {true, false}) {
                        for (ScaleDtype dtype : ScaleDtype.values()) {
                            if (symmetric || format.supportsAsymmetric()) {
                                schemes.add(new QuantizationScheme(format, strategy, 0, symmetric, observer, dtype));
                            }
                        }
                    }
                }
            }
        }
        return schemes.stream();
    }

    /** All values by head, without padding. */
    private Map<Slot, List<List<Float>>> values(Split split, CaptureOptions options) {
        Map<Slot, List<List<Float>>> values = new HashMap<>();
        CaptureReader reader = new CaptureReader(options, hadoop, CaptureReader.Depth.VALUES, bytes -> {});
        for (FilePiece piece : split.pieces()) {
            InputFile file = piece.file();
            reader.read(
                    new FilePiece(file, 0, file.length()),
                    (slot, position, chunk) ->
                            collect(values.computeIfAbsent(slot, any -> heads(position.source())), position, chunk));
        }
        return values;
    }

    private static List<List<Float>> heads(KvSource source) {
        List<List<Float>> heads = new ArrayList<>();
        for (int head = 0; head < source.geometry().heads(); head++) {
            heads.add(new ArrayList<>());
        }
        return heads;
    }

    private static void collect(List<List<Float>> heads, Position position, ByteBuffer chunk) {
        KvSource source = position.source();
        Dtype dtype = source.geometry().dtype();
        int start = chunk.position();
        long row = source.sizeOfRow();
        long end = position.element() + chunk.remaining() / 2;
        for (long element = position.element(); element < end; ) {
            long stop = Math.min(end, (element / row + 1) * row);
            source.forEachRun(element, stop, (at, width, rows, channel) -> {
                for (int i = 0; i < width * rows; i++) {
                    int bits = chunk.getShort(start + (int) (at - position.element() + i) * 2) & 0xffff;
                    heads.get((channel + i % width) / source.geometry().headDim())
                            .add(dtype.toFloat(bits));
                }
            });
            element = stop;
        }
    }
}
