package io.kvscale.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DataProblemTest {
    private static final DataProblem BAD = DataProblem.of("what", "remedy");

    @Test
    void problemsSortBySampleThenLayerThenRole() {
        Sample a = new Sample("a", Sample.WHOLE);
        List<DataProblem> sorted = List.of(
                BAD.inSample(a),
                BAD.inSample(a).inFile("f"),
                BAD.inSample(a).inFile("f").inTensor("t"),
                BAD.inSample(a).inSlot(new Slot(1, Role.KEY)).inFile("z"),
                BAD.inSample(a).inSlot(new Slot(1, Role.VALUE)).inFile("a"),
                BAD.inSample(a).inSlot(new Slot(10, Role.KEY)),
                BAD.inSample(new Sample("a", 2)).inSlot(new Slot(0, Role.KEY)),
                BAD.inSample(new Sample("a", 10)).inSlot(new Slot(0, Role.KEY)),
                BAD.inSample(new Sample("b", 0)),
                BAD.inSample(new Sample("\uffff", 0)),
                BAD.inSample(new Sample("\ud83d\ude00", 0)),
                BAD,
                DataProblem.of("whatever", ""),
                BAD.inSlot(new Slot(0, Role.KEY)));
        List<DataProblem> shuffled = new ArrayList<>(sorted);
        Collections.shuffle(shuffled, new Random(5));
        Collections.sort(shuffled);
        assertThat(shuffled).isEqualTo(sorted);
    }

    @Test
    void theMessageNamesCausePlaceAndRemedy() {
        DataProblem problem = BAD.inFile("a/b.safetensors")
                .inTensor("layers.3.keys")
                .inSlot(new Slot(3, Role.KEY))
                .inSample(new Sample("a/b", 2));
        assertThat(problem.message())
                .isEqualTo(
                        "what\n  in file a/b.safetensors, tensor layers.3.keys, layer 3 key, sample a/b#2\n  remedy");
        assertThat(DataProblem.of("what", "").message()).isEqualTo("what");
        assertThat(new InvalidDataException(problem).problem()).isEqualTo(problem);
    }

    @Test
    void namesFromFilesCannotForgeLinesOrChangeTextDirection() {
        String[] hostile = {
            "a\nb",
            "a\rb",
            "a\u0000b",
            "a\u001b[31mb",
            "a\u007fb",
            "a\u0085b",
            "a\u2028b",
            "a\u2029b",
            "a\u202eb",
            "a\u2066b",
            "a\u200fb",
            "a\ufeffb",
            "a\u00adb",
            "a\ud800b",
            "a\udc00b"
        };
        for (String name : hostile) {
            String message = BAD.inFile(name)
                    .inTensor(name)
                    .inSample(new Sample(name, Sample.WHOLE))
                    .message();
            String rest = String.format("a\\u%04X", (int) name.charAt(1)) + name.substring(2);
            assertThat(message)
                    .isEqualTo("what\n  in file " + rest + ", tensor " + rest + ", sample " + rest + "\n  remedy");
        }
        assertThat(DataProblem.of("a\nb", "c\nd").message()).isEqualTo("a\\u000Ab\n  c\\u000Ad");
        assertThat(DataProblem.shown("Gr\u00fc\u00dfe \u4f60\u597d \ud83d\ude00"))
                .isEqualTo("Gr\u00fc\u00dfe \u4f60\u597d \ud83d\ude00");
    }

    @Test
    void longNamesAreShortened() {
        assertThat(DataProblem.shown("x".repeat(200))).isEqualTo("x".repeat(200));
        assertThat(DataProblem.shown("x".repeat(201))).isEqualTo("x".repeat(200) + "...");
        // The cut would fall into a surrogate pair.
        assertThat(DataProblem.shown("x".repeat(199) + "\ud83d\ude00")).isEqualTo("x".repeat(199) + "...");
        assertThat(BAD.inFile("x".repeat(1 << 20)).message()).hasSizeLessThan(300);
    }

    @Test
    void survivesJavaSerialization() throws Exception {
        DataProblem problem = BAD.inFile("f").inSlot(new Slot(9, Role.VALUE)).inSample(new Sample("s", 1));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(problem);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertThat(in.readObject()).isEqualTo(problem);
        }
    }
}
