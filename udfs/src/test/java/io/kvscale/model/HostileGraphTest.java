package io.kvscale.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.ChildJvm;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Mutated graphs run, or are problems of the data. ONNX Runtime loads them in another JVM, which it might end. */
class HostileGraphTest {
    private static final int MUTATIONS = 240;
    /** Stands for the graph with a Slice along an axis that its input does not have. */
    private static final long SLICE_AXIS = -1;

    @TempDir
    private Path folder;

    @Test
    @Timeout(value = 120, unit = TimeUnit.SECONDS)
    void mutatedGraphsEndNoJvm() throws Exception {
        String output = ChildJvm.run(ChildJvm.of(
                Child.class,
                List.of(
                        "-Xmx256m",
                        "-XX:TieredStopAtLevel=1",
                        "-Dkvscale.top=" + System.getProperty("kvscale.top"),
                        "-Djava.io.tmpdir=" + folder,
                        "-XX:ErrorFile=" + folder.resolve("crash.log")),
                folder.toString(),
                String.valueOf(SLICE_AXIS),
                String.valueOf(MUTATIONS + 1)));
        Matcher done = Pattern.compile("done: (\\d+) ran, (\\d+) refused, (\\d+) by ONNX Runtime")
                .matcher(output);
        assertThat(done.find()).as(output).isTrue();
        assertThat(Integer.parseInt(done.group(1)) + Integer.parseInt(done.group(2)))
                .as(output)
                .isEqualTo(MUTATIONS + 1);
        assertThat(Integer.parseInt(done.group(1))).as("ran").isGreaterThan(MUTATIONS / 10);
        assertThat(Integer.parseInt(done.group(3)))
                .as("refused by ONNX Runtime")
                .isGreaterThan(MUTATIONS / 20);
    }

    static final class Child {
        private Child() {}

        /** ONNX Runtime's optimizers used to end the JVM for this one. */
        private static byte[] sliceAxis(byte[] whole) {
            String text = new String(whole, StandardCharsets.ISO_8859_1);
            int constant = text.indexOf("/model/layers.0/self_attn/Constant_16_output_0");
            int axis = text.indexOf("J\b\3\0\0\0\0\0\0\0", constant) + 2;
            byte[] changed = whole.clone();
            changed[axis] = 4;
            return changed;
        }

        /** @param args a folder, the first mutation and the number of mutations */
        public static void main(String[] args) throws IOException {
            Path folder = Path.of(args[0]);
            byte[] whole = Files.readAllBytes(TinyModel.copy(folder).resolve(TinyModel.GRAPH));
            int ran = 0;
            int refused = 0;
            int byRuntime = 0;
            long first = Long.parseLong(args[1]);
            for (long i = first; i < first + Long.parseLong(args[2]); i++) {
                Files.write(
                        folder.resolve(TinyModel.GRAPH),
                        i == SLICE_AXIS ? sliceAxis(whole) : GraphMutation.of(whole, i));
                long start = System.nanoTime();
                try (DecoderModel model = DecoderModel.open(folder, TinyModel.GRAPH, Outputs.CACHE_AND_LOGITS);
                        DecoderRun run = model.newRun()) {
                    run.begin(1);
                    run.feed(new int[][] {{1, 2, 3, 4}});
                    ran++;
                } catch (InvalidDataException e) {
                    refused++;
                    byRuntime += e.getMessage().contains("ONNX Runtime") ? 1 : 0;
                } catch (RuntimeException e) {
                    System.out.println("mutation " + i + ": " + e);
                }
                long millis = (System.nanoTime() - start) / 1_000_000;
                if (millis > 5_000) {
                    System.out.println("mutation " + i + " took " + millis + " ms");
                }
            }
            System.out.println("done: " + ran + " ran, " + refused + " refused, " + byRuntime + " by ONNX Runtime");
        }
    }
}
