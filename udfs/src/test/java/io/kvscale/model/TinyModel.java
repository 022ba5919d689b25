package io.kvscale.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvscale.model.onnx.DecoderGraph;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The tiny model of the project, its expected values, and copies that a test can damage. */
public final class TinyModel {
    public static final String GRAPH = "model.onnx";
    public static final Path FOLDER =
            Path.of(System.getProperty("kvscale.top", "..")).resolve("conf/tiny-model");
    public static final Path EXPECTED = Path.of("src/test/resources/models/tiny/expected.json");

    private TinyModel() {}

    public static DecoderModel open(Outputs outputs) {
        return DecoderModel.open(FOLDER, GRAPH, outputs);
    }

    /** The shape of the model in a folder, once its graph is checked. */
    public static ModelShape check(Path folder, String graph) {
        try {
            return DecoderGraph.read(DecoderGraph.folder(folder), graph).shape();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The ids of the texts of expected.json that have at least that many tokens. */
    public static List<int[]> texts(int atLeast) {
        List<int[]> texts = new ArrayList<>();
        for (JsonNode text : json(EXPECTED).get("texts")) {
            if (text.get("ids").size() >= atLeast) {
                texts.add(ids(text));
            }
        }
        return texts;
    }

    public static int[] ids(JsonNode text) {
        int[] ids = new int[text.get("ids").size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = text.get("ids").get(i).intValue();
        }
        return ids;
    }

    public static JsonNode json(Path file) {
        try {
            return new ObjectMapper().readTree(file.toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Copies config.json and the graph into a folder where a test can change them. */
    public static Path copy(Path to) throws IOException {
        for (String name : List.of(GRAPH, "config.json")) {
            Files.copy(FOLDER.resolve(name), to.resolve(name));
        }
        return to;
    }

    public static List<Slot> slots(ModelShape shape) {
        List<Slot> slots = new ArrayList<>();
        for (int layer = 0; layer < shape.layers(); layer++) {
            for (Role role : Role.CACHED) {
                slots.add(new Slot(layer, role));
            }
        }
        return slots;
    }

    /** The bits of one row's first tokens, {@code [kv_heads, tokens, head_dim]}, for every slot. */
    public static Map<Slot, ByteBuffer> bits(DecoderRun run, ModelShape shape, int row, int tokens) {
        Map<Slot, ByteBuffer> bits = new TreeMap<>();
        slots(shape).forEach(slot -> bits.put(slot, bits(run.present(slot), row, tokens)));
        return bits;
    }

    private static ByteBuffer bits(KvTensor from, int row, int tokens) {
        int heads = from.geometry().heads();
        int line = from.geometry().headDim() * from.geometry().dtype().bytes();
        ByteBuffer to = ByteBuffer.allocate(heads * tokens * line);
        for (int head = 0; head < heads; head++) {
            to.put(from.values().slice((row * heads + head) * from.tokens() * line, tokens * line));
        }
        return to.flip();
    }

    /** Runs one text alone and copies its K and V. */
    public static Map<Slot, ByteBuffer> alone(DecoderRun run, ModelShape shape, int[] ids) {
        run.begin(1);
        run.feed(new int[][] {ids});
        return bits(run, shape, 0, ids.length);
    }

    public static KvTensor copied(KvTensor from) {
        ByteBuffer to = ByteBuffer.allocate(from.values().capacity());
        to.put(from.values().duplicate());
        return new KvTensor(from.geometry(), from.batch(), from.tokens(), to.flip());
    }

    /** Copies the values of a slot, rounded to multiples of {@code step}. */
    public static KvTensor rounded(KvTensor from, float step) {
        Dtype dtype = from.geometry().dtype();
        ByteBuffer to = ByteBuffer.allocate(from.values().capacity())
                .order(from.values().order());
        for (int i = 0; i < from.size(); i++) {
            to.putFloat(i * dtype.bytes(), Math.round(from.value(i) / step) * step);
        }
        return new KvTensor(from.geometry(), from.batch(), from.tokens(), to);
    }
}
