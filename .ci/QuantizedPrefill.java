import io.kvscale.cache.FixedScales;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.DecoderRun;
import io.kvscale.model.Outputs;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * QuantizedPrefill MODEL IDS SCALES...: runs the texts of IDS, one line of token ids each, through the graph that kvscale
 * puts quantization into. Beside each scale table it writes for each text N, as little-endian f32: N.computed, K and V of
 * every layer before quantization; N.cached, the same in the cache. 0.logits are those of the first text.
 */
class QuantizedPrefill {
    public static void main(String[] args) throws IOException {
        List<String> texts = Files.readAllLines(Path.of(args[1]));
        try (DecoderModel model = DecoderModel.open(Path.of(args[0]), "model.onnx", Outputs.QUANTIZED)) {
            for (String name : Arrays.asList(args).subList(2, args.length)) {
                Path folder = Path.of(name);
                ScaleTable table = ScaleTable.fromJson(Files.readAllBytes(folder.resolve("kv_scales.json")));
                FixedScales scales = FixedScales.of(table);
                try (DecoderRun run = model.newRun(scales.graphQuantizers(model.shape().geometry()))) {
                    for (int i = 0; i < texts.size(); i++) {
                        int[] ids = Arrays.stream(texts.get(i).split(" ")).mapToInt(Integer::parseInt).toArray();
                        run.begin(1);
                        run.feed(new int[][] {ids});
                        write(model, run, folder, i);
                    }
                }
            }
        }
    }

    private static void write(DecoderModel model, DecoderRun run, Path folder, int text) throws IOException {
        try (OutputStream computed = Files.newOutputStream(folder.resolve(text + ".computed"));
                OutputStream cached = Files.newOutputStream(folder.resolve(text + ".cached"))) {
            for (Slot slot : model.shape().slots()) {
                computed.write(bytes(FloatBuffer.wrap(run.computed(slot).floats())));
                cached.write(bytes(FloatBuffer.wrap(run.present(slot).floats())));
            }
        }
        if (text == 0) {
            Files.write(folder.resolve("0.logits"), bytes(run.logits()));
        }
    }

    private static byte[] bytes(FloatBuffer values) {
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * values.remaining()).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values.duplicate());
        return bytes.array();
    }
}
