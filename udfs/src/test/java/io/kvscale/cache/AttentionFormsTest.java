package io.kvscale.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.model.DecoderModel;
import io.kvscale.model.DecoderRun;
import io.kvscale.model.Outputs;
import io.kvscale.model.TestGraph;
import io.kvscale.model.TinyModel;
import io.kvscale.model.onnx.DecoderGraph;
import io.kvscale.model.onnx.UnquantizableGraphException;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Quantization inside small graphs, in all forms of attention that are known, and forms that are not. */
class AttentionFormsTest {
    private static final String MICROSOFT = "com.microsoft";
    private static final int QUERY_HEADS = 4;
    private static final int HEAD_DIM = 32;
    private static final int HIDDEN = 32;
    private static final int VOCABULARY = 64;
    private static final int POSITIONS = 128;
    private static final int INT64 = 7;
    /** The field of GraphProto that declares the type of a tensor. */
    private static final int DECLARED = 13;

    private static final Slot KEY = new Slot(0, Role.KEY);

    @TempDir
    private Path folder;

    /** The parts of an attention that differ between graphs. */
    private record Form(
            int kvHeads, boolean packed, boolean rotary, boolean interleaved, int rotated, boolean positions) {}

    @ParameterizedTest
    @CsvSource({
        "2, true, true, false, 32, false",
        "2, true, true, true, 32, false",
        "2, true, true, false, 16, false",
        "2, true, true, false, 32, true",
        "2, true, false, false, 32, false",
        "2, false, true, true, 16, true",
        "2, false, true, false, 32, false",
        "4, false, false, false, 32, false"
    })
    void groupQueryAttention(
            int kvHeads, boolean packed, boolean rotary, boolean interleaved, int rotated, boolean positions) {
        Form form = new Form(kvHeads, packed, rotary, interleaved, rotated, positions);
        write(grouped(form, List.of()), kvHeads);
        compare();
    }

    @Test
    void multiHeadAttention() {
        write(multiHead(""), QUERY_HEADS);
        compare();
    }

    @Test
    void attributesOfGroupQueryAttentionStay() {
        Form form = new Form(2, true, true, false, 32, false);
        List<byte[]> more = List.of(
                TestGraph.number("local_window_size", 8), TestGraph.real("scale", 0.3f), TestGraph.real("softcap", 2));
        write(grouped(form, more), 2);
        compare();
    }

    @Test
    void layersMayHaveDifferentAttention() {
        TestGraph graph = decoder(2, QUERY_HEADS, false);
        addGrouped(graph, new Form(QUERY_HEADS, true, true, false, 32, false), List.of());
        addMultiHead(graph, 1, "");
        write(predicts(graph.add(node("Add", List.of("attended.0", "attended.1"), "both")), "both"), 2, QUERY_HEADS);
        compare();
    }

    @Test
    void layersThatShareKAndVAreNamed() {
        TestGraph graph = decoder(2, QUERY_HEADS, false);
        addGrouped(graph, new Form(QUERY_HEADS, false, false, false, 32, false), List.of());
        attended(graph, 1, "MultiHeadAttention", List.of("query", "key", "value", "", "", ""), List.of(heads()));
        write(predicts(graph, "attended.1"), 2, QUERY_HEADS);
        assertThat(obstacle()).contains("layer 0 key is read before it is cached, by an operator MultiHeadAttention");
    }

    /** The bytes are those of a sparse file; nothing is allocated. */
    @Test
    void aGraphThatGrowsBeyondTwoGigabytesIsAnError() throws IOException {
        write(multiHead(""), QUERY_HEADS);
        DecoderGraph graph = DecoderGraph.read(DecoderGraph.folder(folder), TinyModel.GRAPH);
        Path large = folder.resolve("large");
        try (RandomAccessFile file = new RandomAccessFile(large.toFile(), "rw")) {
            file.setLength(Integer.MAX_VALUE);
            ByteBuffer bytes = file.getChannel().map(FileChannel.MapMode.READ_ONLY, 0, Integer.MAX_VALUE);
            assertThatThrownBy(() -> graph.quantized(bytes, size -> ByteBuffer.allocate(0)))
                    .isInstanceOf(UnquantizableGraphException.class)
                    .hasMessageContaining(TinyModel.GRAPH)
                    .hasMessageContaining("than the 2147483647 that ONNX allows");
        }
    }

    @Test
    void formsThatAreNotKnownAreNamed() {
        Form plain = new Form(2, true, true, false, 32, false);
        write(grouped(plain, List.of(TestGraph.number("k_quant_type", 1))), 2);
        assertThat(obstacle()).contains("GroupQueryAttention of layer 0 has attributes or inputs that are not known");
        write(multiHead("bias"), QUERY_HEADS);
        assertThat(obstacle()).contains("MultiHeadAttention of layer 0 has packed inputs or a bias");
        write(grouped(plain, List.of()).add(node("Neg", List.of("packed"), "read")), 2);
        assertThat(obstacle()).contains("layer 0 key is read before it is cached, by an operator Neg");
        write(grouped(plain, List.of()).add(node("Neg", List.of("attended.0"), "kvscale.mine")), 2);
        assertThat(obstacle()).contains("it has a tensor named kvscale.mine");
        write(grouped(plain, List.of()).versions(8, 12), 2);
        assertThat(obstacle()).contains("it has ONNX operator set 12, at least 13 is needed");
        write(concat("Identity", 2), 2);
        assertThat(obstacle()).contains("present.0.key comes from an operator Identity");
        write(concat("", 1), 2);
        assertThat(obstacle()).contains("present.0.key is joined along axis 1, expected 2");
    }

    @Test
    void aGraphThatOnnxRuntimeRefusesOnlyWithQuantizationIsNamed() {
        Form plain = new Form(2, true, true, false, 32, false);
        // The declared type of a tensor that the rewritten graph has and the graph itself does not.
        write(grouped(plain, List.of()).add(TestGraph.value(DECLARED, "kvscale.0.unpacked.0", INT64)), 2);
        DecoderModel.open(folder, TinyModel.GRAPH, Outputs.CACHE_AND_LOGITS).close();
        assertThat(obstacle())
                .startsWith("ONNX Runtime cannot load the model's graph with quantization in it: ")
                .contains("kvscale.0.unpacked.0");
    }

    private static TestGraph decoder(int layers, int kvHeads, boolean positions) {
        TestGraph graph = TestGraph.decoder(layers, kvHeads, HEAD_DIM, 1).versions(8, 18);
        if (positions) {
            graph.add(TestGraph.value(TestGraph.INPUT, "position_ids", 7, -1, -1));
        }
        return graph.add(TestGraph.value(TestGraph.OUTPUT, "logits", 1, -1, -1, VOCABULARY))
                .add(weights("embedding", VOCABULARY, HIDDEN))
                .add(weights("head", QUERY_HEADS * HEAD_DIM, VOCABULARY))
                .add(node("Gather", List.of("embedding", "input_ids"), "hidden"));
    }

    private static TestGraph grouped(Form form, List<byte[]> more) {
        TestGraph graph = decoder(1, form.kvHeads, form.positions);
        addGrouped(graph, form, more);
        return predicts(graph, "attended.0");
    }

    private static void addGrouped(TestGraph graph, Form form, List<byte[]> more) {
        int channels = form.kvHeads * HEAD_DIM;
        graph.add(TestGraph.numbers("one", 1))
                .add(weights("cosines", POSITIONS, form.rotated / 2))
                .add(weights("sines", POSITIONS, form.rotated / 2))
                .add(TestGraph.node("ReduceSum", List.of("attention_mask", "one"), List.of("sum"), "keepdims", 0))
                .add(node("Sub", List.of("sum", "one"), "last"))
                .add(TestGraph.node("Cast", List.of("last"), List.of("lengths"), "to", 6))
                .add(node("Shape", List.of("attention_mask"), "shape"))
                .add(node("Gather", List.of("shape", "one"), "total64"))
                .add(TestGraph.node("Cast", List.of("total64"), List.of("total"), "to", 6));
        List<String> inputs = new ArrayList<>();
        if (form.packed) {
            project(graph, "packed", QUERY_HEADS * HEAD_DIM + 2 * channels);
            inputs.addAll(List.of("packed", "", ""));
        } else {
            project(graph, "query", QUERY_HEADS * HEAD_DIM);
            project(graph, "key", channels);
            project(graph, "value", channels);
            inputs.addAll(List.of("query", "key", "value"));
        }
        List<String> after = new ArrayList<>(List.of("lengths", "total"));
        if (form.rotary) {
            after.addAll(List.of("cosines", "sines"));
        }
        if (form.positions) {
            after.add("position_ids");
        }
        List<byte[]> attributes = new ArrayList<>(more);
        attributes.add(heads());
        attributes.add(TestGraph.number("kv_num_heads", form.kvHeads));
        attributes.add(TestGraph.number("do_rotary", form.rotary ? 1 : 0));
        attributes.add(TestGraph.number("rotary_interleaved", form.interleaved ? 1 : 0));
        attended(graph, 0, "GroupQueryAttention", inputs, attributes, after.toArray(String[]::new));
    }

    private static TestGraph multiHead(String bias) {
        TestGraph graph = decoder(1, QUERY_HEADS, false);
        addMultiHead(graph, 0, bias);
        return predicts(graph, "attended.0");
    }

    private static void addMultiHead(TestGraph graph, int layer, String bias) {
        graph.add(weights("bias", 3 * QUERY_HEADS * HEAD_DIM));
        for (String name : List.of("query", "key", "value")) {
            project(graph, name, QUERY_HEADS * HEAD_DIM);
        }
        List<byte[]> attributes =
                List.of(heads(), TestGraph.number("unidirectional", 1), TestGraph.real("scale", 0.3f));
        attended(graph, layer, "MultiHeadAttention", List.of("query", "key", "value", bias, "", ""), attributes);
    }

    private static byte[] heads() {
        return TestGraph.number("num_heads", QUERY_HEADS);
    }

    private static TestGraph concat(String between, long axis) {
        TestGraph graph = decoder(1, 2, false);
        for (String role : List.of("key", "value")) {
            String joined = between.isEmpty() ? "present.0." + role : "joined." + role;
            graph.add(TestGraph.node(
                    "Concat", List.of("past_key_values.0." + role, "new." + role), List.of(joined), "axis", axis));
            if (!between.isEmpty()) {
                graph.add(node(between, List.of(joined), "present.0." + role));
            }
        }
        return graph;
    }

    private static void project(TestGraph graph, String name, int columns) {
        graph.add(weights(name + ".weights", HIDDEN, columns))
                .add(node("MatMul", List.of("hidden", name + ".weights"), name));
    }

    /** Adds an attention; its past stands between these inputs and {@code after}. */
    private static void attended(
            TestGraph graph,
            int layer,
            String operator,
            List<String> inputs,
            List<byte[]> attributes,
            String... after) {
        List<String> all = new ArrayList<>(inputs);
        all.addAll(List.of("past_key_values." + layer + ".key", "past_key_values." + layer + ".value"));
        all.addAll(List.of(after));
        graph.add(TestGraph.node(
                MICROSOFT,
                operator,
                all,
                List.of("attended." + layer, "present." + layer + ".key", "present." + layer + ".value"),
                attributes));
    }

    private static TestGraph predicts(TestGraph graph, String from) {
        return graph.add(node("MatMul", List.of(from, "head"), "logits"));
    }

    private static byte[] node(String operator, List<String> inputs, String output) {
        return TestGraph.node(operator, inputs, List.of(output));
    }

    private static byte[] weights(String name, int... dims) {
        Random random = new Random(name.hashCode());
        float[] values = new float[Arrays.stream(dims).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian() / 2;
        }
        return TestGraph.floats(name, values, Arrays.stream(dims).asLongStream().toArray());
    }

    private void write(TestGraph graph, int kvHeads) {
        write(graph, 1, kvHeads);
    }

    private void write(TestGraph graph, int layers, int kvHeads) {
        graph.write(
                folder,
                "{\"num_hidden_layers\": " + layers + ", \"num_attention_heads\": " + QUERY_HEADS
                        + ", \"num_key_value_heads\": "
                        + kvHeads + ", \"head_dim\": " + HEAD_DIM + ", \"vocab_size\": " + VOCABULARY
                        + ", \"max_position_embeddings\": " + POSITIONS + "}");
    }

    private String obstacle() {
        try (DecoderModel model = DecoderModel.open(folder, TinyModel.GRAPH, Outputs.QUANTIZED)) {
            return "";
        } catch (UnquantizableGraphException e) {
            return e.problem().what();
        }
    }

    /** Without quantizers the bits are those of the graph; with them the cache holds quantized values. */
    private void compare() {
        assertThat(obstacle()).isEmpty();
        int[] ids = new Random(3).ints(40, 0, VOCABULARY).toArray();
        try (DecoderModel original = DecoderModel.open(folder, TinyModel.GRAPH, Outputs.CACHE_AND_LOGITS);
                DecoderModel quantizing = DecoderModel.open(folder, TinyModel.GRAPH, Outputs.QUANTIZED);
                DecoderRun expected = original.newRun();
                DecoderRun same = quantizing.newRun()) {
            SortedMap<Slot, SlotScales> slots = new TreeMap<>();
            QuantizationScheme scheme = QuantizationScheme.of(NumberFormat.INT4, Strategy.CHANNEL);
            for (Slot slot : original.shape().slots()) {
                slots.put(
                        slot,
                        TestScales.random(
                                new Random(5), scheme, original.shape().geometry()));
            }
            FixedScales scales = TestScales.table(slots);
            for (int chunk : new int[] {40, 20, 1}) {
                feed(expected, ids, chunk);
                feed(same, ids, chunk);
                assertThat(same.logits()).isEqualTo(expected.logits());
            }
            try (DecoderRun run =
                    quantizing.newRun(scales.graphQuantizers(original.shape().geometry()))) {
                feed(run, ids, 40);
                feed(expected, ids, 40);
                KvTensor full = expected.present(KEY);
                assertThat(run.computed(KEY).floats()).isEqualTo(full.floats());
                for (Slot slot : original.shape().slots()) {
                    KvTensor quantized = TestScales.fakeQuantized(scales, slot, run.computed(slot));
                    assertThat(numbers(run.present(slot))).isEqualTo(numbers(quantized));
                }
                assertThat(run.logits()).isNotEqualTo(expected.logits());
            }
        }
    }

    /** -0 equals 0. */
    private static float[] numbers(KvTensor tensor) {
        float[] values = tensor.floats();
        for (int i = 0; i < values.length; i++) {
            values[i] += 0f;
        }
        return values;
    }

    private static void feed(DecoderRun run, int[] ids, int chunk) {
        run.begin(1);
        for (int at = 0; at < ids.length; at += chunk) {
            run.feed(new int[][] {Arrays.copyOfRange(ids, at, at + chunk)});
        }
    }
}
