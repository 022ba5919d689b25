package io.kvscale.task;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.observer.evidence.ChannelData;
import io.kvscale.observer.evidence.ChannelData.Rope;
import io.kvscale.observer.evidence.MixedRotation;
import io.kvscale.observer.evidence.MixedRotation.OfSample;
import io.kvscale.observer.evidence.PairWins;
import io.kvscale.safetensors.SafetensorsWriter;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is found in single samples does not depend on where the files are cut. */
class RotationScanTest {
    private static final int SAMPLES = 6;
    private static final int LAYERS = 6;
    private static final int HEADS = 4;
    private static final int HEAD_DIM = 64;
    private static final Rope ROPE = new Rope(HEAD_DIM, false);

    @TempDir
    private Path folder;

    private CaptureCorpus corpus(int tokens, boolean tokenMajor, String kinds) {
        CaptureCorpus corpus = new CaptureCorpus(folder, 7);
        ChannelData data = new ChannelData(LAYERS, HEADS, HEAD_DIM, tokens);
        for (int s = 0; s < kinds.length(); s++) {
            char kind = kinds.charAt(s);
            SafetensorsWriter writer = new SafetensorsWriter();
            for (int layer = 0; layer < LAYERS; layer++) {
                float[] keys = data.keys(kind == 'b' ? Rope.NONE : ROPE);
                float[] values = data.values();
                add(writer, layer, "k", tokenMajor, kind == 's' ? values : keys);
                add(writer, layer, "v", tokenMajor, kind == 's' ? keys : values);
            }
            corpus.write("s" + s + ".safetensors", writer);
        }
        return corpus;
    }

    private static void add(SafetensorsWriter to, int layer, String role, boolean tokenMajor, float[] values) {
        long tokens = values.length / HEADS / HEAD_DIM;
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        if (tokenMajor) {
            bytes.asFloatBuffer().put(values);
            String name = "layers." + layer + ".self_attn." + role;
            to.add(name, "F32", List.of(tokens, (long) HEADS, (long) HEAD_DIM), bytes.array());
            return;
        }
        for (int head = 0; head < HEADS; head++) {
            for (int token = 0; token < tokens; token++) {
                for (int d = 0; d < HEAD_DIM; d++) {
                    bytes.putFloat(values[(token * HEADS + head) * HEAD_DIM + d]);
                }
            }
        }
        String name = "layers." + layer + (role.equals("k") ? ".keys" : ".values");
        to.add(name, "F32", List.of(1L, (long) HEADS, tokens, (long) HEAD_DIM), bytes.array());
    }

    private static List<OfSample> samples(CaptureCorpus corpus, boolean cut) {
        List<TaskState> states = new ArrayList<>();
        for (InputFile file : corpus.files()) {
            long step = cut ? 1 + corpus.random.nextInt(200_000) : file.length();
            for (long start = 0; start < file.length(); start += step) {
                states.add(corpus.run(List.of(new FilePiece(file, start, Math.min(file.length(), start + step)))));
            }
        }
        Collections.shuffle(states, corpus.random);
        TaskState all = new TaskState();
        states.forEach(state -> all.merge(TaskState.fromByteArray(state.toByteArray())));
        return all.rotations().samples();
    }

    private static List<String> names(List<OfSample> samples) {
        return samples.stream()
                .map(one -> Objects.requireNonNull(one.origin().sample()).name())
                .toList();
    }

    /** Kinds of samples: r right, s swapped, b before RoPE. */
    @ParameterizedTest
    @CsvSource({
        "60,false,rrsrrr",
        "130,false,ssrsss",
        "140,true,rrrrrs",
        "60,true,ssssrs",
        "100,false,rrbrrr",
        "100,true,bbbbbr"
    })
    void oddSamplesAreNamedWhereverFilesAreCut(int tokens, boolean tokenMajor, String kinds) {
        CaptureCorpus corpus = corpus(tokens, tokenMajor, kinds);
        List<OfSample> whole = samples(corpus, false);
        assertThat(whole).hasSize(SAMPLES);
        MixedRotation mixed = Objects.requireNonNull(MixedRotation.of(whole));
        List<String> swapped = new ArrayList<>();
        List<String> still = new ArrayList<>();
        for (int s = 0; s < SAMPLES; s++) {
            (kinds.charAt(s) == 's' ? swapped : kinds.charAt(s) == 'b' ? still : new ArrayList<String>()).add("s" + s);
        }
        assertThat(names(mixed.swapped())).isEqualTo(swapped);
        assertThat(names(mixed.still())).isEqualTo(still);
        for (int round = 0; round < 3; round++) {
            assertThat(samples(corpus, true)).isEqualTo(whole);
        }
    }

    @Test
    void rightSamplesAreNoMistake() {
        assertThat(MixedRotation.of(samples(corpus(60, false, "rrrrrr"), false)))
                .isNull();
    }

    @Test
    void shortSamplesAndModelsWithoutRopeAreNotLookedAt() {
        assertThat(samples(corpus(RotationScan.MIN_TOKENS - 1, false, "rs"), false))
                .isEmpty();
        CaptureCorpus corpus = corpus(RotationScan.MIN_TOKENS, false, "rs");
        assertThat(samples(corpus, false)).hasSize(2);
        corpus.options = options(model("bloom"));
        assertThat(samples(corpus, false)).isEmpty();
        corpus.options = options(model("llama"));
        assertThat(samples(corpus, false)).hasSize(2);
    }

    @Test
    void manySamplesTakeBoundedMemory() {
        SampleRotations one = new SampleRotations();
        SampleRotations two = new SampleRotations();
        SampleRotations all = new SampleRotations();
        Slot slot = new Slot(0, Role.KEY);
        for (int i = 0; i < 3 * SmallestHashes.KEPT; i++) {
            Origin origin = new Origin(null, "f" + i);
            var part = new SampleRotations.Part(new float[] {1, 2, 3, 3, 1, 5, 9, 9}, 8, 8, 8, 8);
            (i % 2 == 0 ? one : two).add(origin, slot, part);
            all.add(origin, slot, part);
        }
        one.merge(two);
        assertThat(one.samples()).isEqualTo(all.samples()).hasSize(SmallestHashes.KEPT);
        assertThat(one.samples().get(0).key()).isEqualTo(new PairWins(1, 1));
    }

    private static CaptureOptions options(ModelConfig model) {
        return CaptureOptions.defaults().withModel(model);
    }

    private static ModelConfig model(String type) {
        String json = "{\"model_type\": \"" + type + "\", \"hidden_size\": 256, \"num_attention_heads\": 4,"
                + " \"num_hidden_layers\": 6}";
        return ModelConfig.parse(json.getBytes(StandardCharsets.UTF_8), "config.json");
    }
}
