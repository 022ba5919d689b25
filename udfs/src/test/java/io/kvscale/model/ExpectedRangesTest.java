package io.kvscale.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Compares ranges of K and V with those of ONNX Runtime in Python. */
class ExpectedRangesTest {
    @Test
    void theTinyModelGivesTheExpectedRanges() {
        compare(TinyModel.FOLDER, TinyModel.GRAPH, TinyModel.EXPECTED, 1e-3);
    }

    /** Other forms of the tiny model and a real model are too large for this repository. */
    @ParameterizedTest
    @EnabledIfSystemProperty(named = "kvscale.models", matches = ".+")
    @CsvSource({
        "tiny, model.onnx, 1e-3",
        "tiny, model_gqa.onnx, 1e-3",
        "tiny, model_f16.onnx, 1e-3",
        "tiny, model_bf16.onnx, 4e-3",
        "smollm2, model.onnx, 1e-3"
    })
    void everyGraphGivesTheExpectedRanges(String folder, String graph, double tolerance) {
        Path models = Path.of(System.getProperty("kvscale.models")).resolve(folder);
        compare(models, graph, models.resolve("expected.json"), tolerance);
    }

    @ParameterizedTest
    @EnabledIfSystemProperty(named = "kvscale.models", matches = ".+")
    @CsvSource({"tiny, model_gqa.onnx", "tiny, model_f16.onnx", "tiny, model_bf16.onnx", "smollm2, model.onnx"})
    void everyGraphGivesTheSameBitsPaddedOrInChunks(String folder, String graph) {
        Path models = Path.of(System.getProperty("kvscale.models")).resolve(folder);
        int[] ids =
                TinyModel.ids(TinyModel.json(models.resolve("expected.json")).at("/texts/2"));
        int[] half = Arrays.copyOf(ids, ids.length / 2);
        try (DecoderModel model = DecoderModel.open(models, graph, Outputs.CACHE);
                DecoderRun run = model.newRun()) {
            Map<Slot, ByteBuffer> whole = TinyModel.alone(run, model.shape(), ids);
            Map<Slot, ByteBuffer> begin = TinyModel.alone(run, model.shape(), half);
            run.begin(2);
            run.feed(new int[][] {half, ids});
            assertThat(TinyModel.bits(run, model.shape(), 0, half.length)).isEqualTo(begin);
            assertThat(TinyModel.bits(run, model.shape(), 1, ids.length)).isEqualTo(whole);
            if (model.shape().cache() != Dtype.F32) {
                // A later chunk attends to the rounded past in the cache.
                return;
            }
            run.begin(1);
            run.feed(new int[][] {half});
            run.feed(new int[][] {Arrays.copyOfRange(ids, half.length, ids.length)});
            assertThat(TinyModel.bits(run, model.shape(), 0, ids.length)).isEqualTo(whole);
        }
    }

    private static void compare(Path folder, String graph, Path expected, double tolerance) {
        int compared = 0;
        try (DecoderModel model = DecoderModel.open(folder, graph, Outputs.CACHE);
                DecoderRun run = model.newRun()) {
            assertThat(TinyModel.check(folder, graph)).isEqualTo(model.shape());
            for (JsonNode text : TinyModel.json(expected).get("texts")) {
                run.begin(1);
                run.feed(new int[][] {TinyModel.ids(text)});
                for (JsonNode want : text.get("slots")) {
                    Role role = want.get("role").textValue().equals("K") ? Role.KEY : Role.VALUE;
                    compare(run.present(new Slot(want.get("layer").intValue(), role)), want, tolerance);
                    compared++;
                }
            }
            assertThat(compared)
                    .isEqualTo(2
                            * model.shape().layers()
                            * TinyModel.json(expected).get("texts").size());
        }
    }

    private static void compare(KvTensor got, JsonNode want, double tolerance) {
        double allowed = tolerance
                * Math.max(
                        Math.abs(want.get("min").doubleValue()),
                        Math.abs(want.get("max").doubleValue()));
        int heads = got.geometry().heads();
        int size = got.size() / heads;
        for (int head = 0; head < heads; head++) {
            float min = Float.POSITIVE_INFINITY;
            float max = Float.NEGATIVE_INFINITY;
            for (int i = head * size; i < (head + 1) * size; i++) {
                min = Math.min(min, got.value(i));
                max = Math.max(max, got.value(i));
            }
            assertThat((double) min).isCloseTo(want.get("head_min").get(head).doubleValue(), within(allowed));
            assertThat((double) max).isCloseTo(want.get("head_max").get(head).doubleValue(), within(allowed));
        }
    }
}
