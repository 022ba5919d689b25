package io.kvscale.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.model.DecoderModel;
import io.kvscale.model.DecoderRun;
import io.kvscale.model.Outputs;
import io.kvscale.model.TestGraph;
import io.kvscale.model.TinyModel;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.Observers;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A graph whose K are the rows of a table: random and special values, quantized as the cache does. */
class GraphQuantizerTest {
    private static final int HEADS = 2;
    private static final int HEAD_DIM = 16;
    private static final int ROWS = 2048;
    private static final Slot KEY = new Slot(0, Role.KEY);

    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource(Dtype.class)
    void everyValueIsQuantizedAsTheCacheDoes(Dtype dtype) {
        Random random = new Random(dtype.ordinal());
        Geometry geometry = new Geometry(dtype, HEADS, HEAD_DIM);
        for (NumberFormat format : NumberFormat.values()) {
            for (boolean symmetric : new boolean[] {true, false}) {
                if (symmetric || format.supportsAsymmetric()) {
                    QuantizationScheme scheme = new QuantizationScheme(
                            format, Strategy.CHANNEL, 0, symmetric, Observers.byDefault(), ScaleDtype.FLOAT32, null);
                    compare(TestScales.random(random, scheme, geometry), random);
                }
            }
        }
        for (GlobalScale convention : GlobalScale.values()) {
            compare(TestScales.random(random, QuantizationScheme.nvfp4(convention), geometry), random);
        }
    }

    /** The axes of ReduceMax are an attribute before operator set 18. */
    @ParameterizedTest
    @ValueSource(longs = {13, 17, 18, 22})
    void anOperatorSetFromThirteenOnIsEnough(long operators) {
        Random random = new Random(operators);
        Geometry geometry = new Geometry(Dtype.F32, HEADS, HEAD_DIM);
        QuantizationScheme scheme = QuantizationScheme.nvfp4(GlobalScale.DIVISOR);
        compare(TestScales.random(random, scheme, geometry), random, operators);
    }

    private void compare(SlotScales slotScales, Random random) {
        compare(slotScales, random, 18);
    }

    private void compare(SlotScales slotScales, Random random, long operators) {
        Geometry geometry = slotScales.geometry();
        write(geometry.dtype(), values(slotScales, random), operators);
        FixedScales scales = TestScales.table(KEY, slotScales);
        try (DecoderModel model = DecoderModel.open(folder, TinyModel.GRAPH, Outputs.QUANTIZED);
                DecoderRun run = model.newRun(scales.graphQuantizers(geometry))) {
            run.begin(1);
            run.feed(new int[][] {IntStream.range(0, ROWS).toArray()});
            float[] expected =
                    TestScales.fakeQuantized(scales, KEY, run.computed(KEY)).floats();
            float[] found = run.present(KEY).floats();
            float[] before = run.computed(KEY).floats();
            for (int i = 0; i < found.length; i++) {
                // -0 equals 0.
                if (found[i] != expected[i]) {
                    assertThat(found[i])
                            .as(slotScales.scheme() + ": " + before[i])
                            .isEqualTo(expected[i]);
                }
            }
        }
    }

    /** All finite numbers of 16 bits, or random bits; ties between codes and their neighbors; sums of scales. */
    private static float[] values(SlotScales slotScales, Random random) {
        Dtype dtype = slotScales.geometry().dtype();
        float[] values = new float[ROWS * HEADS * HEAD_DIM];
        for (int i = 0; i < values.length; i++) {
            float scale = slotScales.scale()[(i % (HEADS * HEAD_DIM)) % slotScales.scale().length];
            float value = switch (i % 4) {
                case 0 -> dtype == Dtype.F32 ? Float.intBitsToFloat(random.nextInt()) : dtype.toFloat(i);
                case 1 -> (random.nextInt(1024) - 512) / 4f * scale;
                case 2 -> Math.nextUp((random.nextInt(64) - 32) / 8f * scale);
                default -> (float) random.nextGaussian();
            };
            values[i] = Float.isFinite(dtype.round(value)) ? value : -0f;
        }
        return values;
    }

    private void write(Dtype dtype, float[] values, long operators) {
        int type = switch (dtype) {
            case F32 -> 1;
            case F16 -> 10;
            case BF16 -> 16;
        };
        TestGraph graph = TestGraph.decoder(1, HEADS, HEAD_DIM, type)
                .versions(8, operators)
                .add(TestGraph.value(TestGraph.OUTPUT, "logits", 1, -1, -1, -1))
                .add(TestGraph.floats("table", values, ROWS, HEADS * HEAD_DIM))
                .add(TestGraph.floats("head", new float[HEADS * HEAD_DIM * ROWS], HEADS * HEAD_DIM, ROWS))
                .add(TestGraph.node("MatMul", List.of("values", "head"), List.of("logits")))
                .add(TestGraph.numbers("apart", 0, 0, HEADS, HEAD_DIM))
                .add(TestGraph.node("Gather", List.of("table", "input_ids"), List.of("values")))
                .add(TestGraph.node("Cast", List.of("values"), List.of("typed"), "to", type))
                .add(TestGraph.node("Reshape", List.of("typed", "apart"), List.of("heads")));
        for (String role : List.of("key", "value")) {
            List<byte[]> order = new ArrayList<>(List.of(TestGraph.list("perm", 0, 2, 1, 3)));
            graph.add(TestGraph.node("Transpose", List.of("heads"), List.of("new." + role), order))
                    .add(TestGraph.node(
                            "Concat",
                            List.of("past_key_values.0." + role, "new." + role),
                            List.of("present.0." + role),
                            "axis",
                            2));
        }
        graph.write(
                folder,
                "{\"num_hidden_layers\": 1, \"num_attention_heads\": " + HEADS + ", \"head_dim\": " + HEAD_DIM
                        + ", \"vocab_size\": " + ROWS + ", \"max_position_embeddings\": " + ROWS + "}");
    }
}
