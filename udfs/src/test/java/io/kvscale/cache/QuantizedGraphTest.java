package io.kvscale.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.DecoderRun;
import io.kvscale.model.Outputs;
import io.kvscale.model.TinyModel;
import io.kvscale.model.onnx.CacheTensors;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.Observers;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.KvTokens;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Graphs that quantize their cache, beside the graphs they were made from and beside the quantized cache. */
class QuantizedGraphTest {
    private record Model(Path folder, String graph) {
        @Override
        public String toString() {
            return folder.getFileName() + "/" + graph;
        }
    }

    /** The model that ships, and others where they are at hand. */
    private static Stream<Model> models() {
        List<Model> models = new ArrayList<>(List.of(new Model(TinyModel.FOLDER, TinyModel.GRAPH)));
        String folder = System.getProperty("kvscale.models", "");
        if (!folder.isEmpty()) {
            Path tiny = Path.of(folder).resolve("tiny");
            for (String graph : List.of("model_gqa.onnx", "model_f16.onnx", "model_bf16.onnx")) {
                models.add(new Model(tiny, graph));
            }
            models.add(new Model(Path.of(folder).resolve("smollm2"), TinyModel.GRAPH));
        }
        return models.stream();
    }

    /** The two forms of the tiny model, whose logits differ by rounding only. */
    private static Stream<Model> tinyModels() {
        return models().filter(model -> model.folder.equals(TinyModel.FOLDER) || model.graph.contains("gqa"));
    }

    @ParameterizedTest
    @MethodSource("models")
    void withoutQuantizersTheBitsAreThoseOfTheGraph(Model model) {
        int[] ids = ids(150);
        try (DecoderModel original = DecoderModel.open(model.folder, model.graph, Outputs.CACHE_AND_LOGITS);
                DecoderModel quantizing = DecoderModel.open(model.folder, model.graph, Outputs.QUANTIZED);
                DecoderRun expected = original.newRun();
                DecoderRun run = quantizing.newRun()) {
            for (int chunk : new int[] {150, 64}) {
                feed(expected, ids, chunk);
                feed(run, ids, chunk);
                assertThat(run.logits()).isEqualTo(expected.logits());
                assertThat(TinyModel.bits(run, original.shape(), 0, ids.length))
                        .isEqualTo(TinyModel.bits(expected, original.shape(), 0, ids.length));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void theCacheHoldsWhatTheQuantizedCacheWould(Model model) {
        Random random = new Random(18);
        try (DecoderModel quantizing = DecoderModel.open(model.folder, model.graph, Outputs.QUANTIZED)) {
            Geometry geometry = quantizing.shape().geometry();
            for (QuantizationScheme scheme : schemes()) {
                SortedMap<Slot, SlotScales> slots = new TreeMap<>();
                for (Slot slot : quantizing.shape().slots()) {
                    slots.put(slot, TestScales.random(random, scheme, geometry));
                }
                slots.remove(quantizing.shape().slots().get(2));
                FixedScales scales = TestScales.table(slots);
                assertThat(scales.fitGraph(geometry)).isTrue();
                compare(quantizing, scales, scheme);
            }
        }
    }

    private static void compare(DecoderModel model, FixedScales scales, QuantizationScheme scheme) {
        try (DecoderRun run = model.newRun(scales.graphQuantizers(model.shape().geometry()))) {
            feed(run, ids(37), 30);
            for (Slot slot : model.shape().slots()) {
                if (scales.quantizes(slot)) {
                    KvTensor expected = TestScales.fakeQuantized(scales, slot, run.computed(slot));
                    KvTensor cached = KvTokens.copy(run.present(slot), 0, 30, 37);
                    assertThat(floats(cached)).as(slot + " " + scheme).isEqualTo(floats(expected));
                }
            }
        }
    }

    /** Numbers, so that -0 equals 0. */
    private static List<Float> floats(KvTensor tensor) {
        List<Float> values = new ArrayList<>();
        for (int i = 0; i < tensor.size(); i++) {
            values.add(tensor.value(i) + 0f);
        }
        return values;
    }

    private static List<QuantizationScheme> schemes() {
        List<QuantizationScheme> schemes = new ArrayList<>();
        for (NumberFormat format : NumberFormat.values()) {
            for (Strategy strategy : List.of(Strategy.TENSOR, Strategy.ATTN_HEAD, Strategy.CHANNEL, Strategy.GROUP)) {
                for (boolean symmetric : new boolean[] {true, false}) {
                    if (symmetric || format.supportsAsymmetric()) {
                        schemes.add(new QuantizationScheme(
                                format,
                                strategy,
                                strategy == Strategy.GROUP ? 8 : 0,
                                symmetric,
                                Observers.byDefault(),
                                ScaleDtype.FLOAT32,
                                null));
                    }
                }
            }
        }
        for (GlobalScale convention : GlobalScale.values()) {
            schemes.add(QuantizationScheme.nvfp4(convention));
        }
        return schemes;
    }

    /**
     * The truth: the graph itself decodes token by token, and a token attends to its own K and V as it attends to the past:
     * quantized, as one more past token, while the mask hides those that the feed computes. The K and V of a layer are
     * right once all layers before are, so a token is fed once for each layer, and once more for the logits.
     */
    @ParameterizedTest
    @MethodSource("tinyModels")
    void thePrefillGivesTheLogitsOfDecodingWithAQuantizedCache(Model model) throws Exception {
        int[] ids = ids(150);
        for (QuantizationScheme scheme :
                List.of(QuantizationScheme.fp8(), QuantizationScheme.of(NumberFormat.INT4, Strategy.CHANNEL))) {
            try (DecoderModel quantizing = DecoderModel.open(model.folder, model.graph, Outputs.QUANTIZED)) {
                ModelShape shape = quantizing.shape();
                SortedMap<Slot, SlotScales> slots = new TreeMap<>();
                Random random = new Random(7);
                shape.slots().forEach(slot -> slots.put(slot, TestScales.random(random, scheme, shape.geometry())));
                FixedScales scales = TestScales.table(slots);
                List<float[]> expected = decoded(ids, shape, scales);
                try (DecoderRun run = quantizing.newRun(scales.graphQuantizers(shape.geometry()))) {
                    for (int chunk : new int[] {150, 1}) {
                        run.begin(1);
                        for (int at = 0; at < ids.length; at += chunk) {
                            run.feed(new int[][] {Arrays.copyOfRange(ids, at, at + chunk)});
                            FloatBuffer logits = run.logits();
                            for (int i = 0; i < logits.capacity(); i++) {
                                float[] row = expected.get(at + i / shape.vocabulary());
                                assertThat(logits.get(i)).isCloseTo(row[i % shape.vocabulary()], within(2e-4f));
                            }
                        }
                    }
                }
            }
        }
    }

    private static List<float[]> decoded(int[] ids, ModelShape shape, FixedScales scales) throws Exception {
        List<float[]> logits = new ArrayList<>();
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        byte[] graph = Files.readAllBytes(TinyModel.FOLDER.resolve(TinyModel.GRAPH));
        try (OrtSession session = environment.createSession(graph)) {
            Map<Slot, List<KvTensor>> past = new TreeMap<>();
            shape.slots().forEach(slot -> past.put(slot, new ArrayList<>()));
            for (int at = 0; at < ids.length; at++) {
                float[] last = {};
                for (int layer = 0; layer <= shape.layers(); layer++) {
                    last = decode(environment, session, ids[at], at, past, shape, scales);
                }
                logits.add(last);
            }
        }
        return logits;
    }

    /** Feeds a token after {@code past}, and puts its quantized K and V there, at {@code at}. */
    private static float[] decode(
            OrtEnvironment environment,
            OrtSession session,
            int id,
            int at,
            Map<Slot, List<KvTensor>> past,
            ModelShape shape,
            FixedScales scales)
            throws OrtException {
        int held = past.get(shape.slots().get(0)).size();
        long[] mask = new long[held + 1];
        Arrays.fill(mask, 0, held, 1);
        mask[held] = held > at ? 0 : 1;
        Map<String, OnnxTensor> given = new HashMap<>();
        given.put(CacheTensors.IDS, tensor(environment, id));
        given.put(CacheTensors.POSITIONS, tensor(environment, at));
        given.put(CacheTensors.MASK, tensor(environment, mask));
        for (Slot slot : shape.slots()) {
            int line = shape.headDim();
            FloatBuffer values = FloatBuffer.allocate(shape.kvHeads() * held * line);
            for (int head = 0; head < shape.kvHeads(); head++) {
                for (KvTensor token : past.get(slot)) {
                    for (int d = 0; d < line; d++) {
                        values.put(token.value(head * line + d));
                    }
                }
            }
            given.put(CacheTensors.past(slot), OnnxTensor.createTensor(environment, values.flip(), new long[] {
                1, shape.kvHeads(), held, shape.headDim()
            }));
        }
        try (OrtSession.Result result = session.run(given)) {
            for (Slot slot : shape.slots()) {
                FloatBuffer present =
                        ((OnnxTensor) result.get(CacheTensors.present(slot)).orElseThrow()).getFloatBuffer();
                ByteBuffer token = ByteBuffer.allocate(4 * shape.kvHeads() * shape.headDim())
                        .order(ByteOrder.LITTLE_ENDIAN);
                for (int head = 0; head < shape.kvHeads(); head++) {
                    for (int d = 0; d < shape.headDim(); d++) {
                        token.putFloat(present.get((head * (held + 1) + held) * shape.headDim() + d));
                    }
                }
                KvTensor quantized = TestScales.fakeQuantized(
                        scales,
                        slot,
                        new KvTensor(new Geometry(Dtype.F32, shape.kvHeads(), shape.headDim()), 1, 1, token.flip()));
                List<KvTensor> tokens = past.get(slot);
                if (tokens.size() > at) {
                    tokens.set(at, quantized);
                } else {
                    tokens.add(quantized);
                }
            }
            float[] logits = new float[shape.vocabulary()];
            ((OnnxTensor) result.get(CacheTensors.LOGITS).orElseThrow())
                    .getFloatBuffer()
                    .get(logits);
            return logits;
        } finally {
            given.values().forEach(OnnxTensor::close);
        }
    }

    private static OnnxTensor tensor(OrtEnvironment environment, long... row) throws OrtException {
        return OnnxTensor.createTensor(environment, LongBuffer.wrap(row), new long[] {1, row.length});
    }

    private static void feed(DecoderRun run, int[] ids, int chunk) {
        run.begin(1);
        for (int at = 0; at < ids.length; at += chunk) {
            run.feed(new int[][] {Arrays.copyOfRange(ids, at, Math.min(ids.length, at + chunk))});
        }
    }

    private static int[] ids(int tokens) {
        return new Random(1).ints(tokens, 0, 512).toArray();
    }
}
