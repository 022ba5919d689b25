package io.kvscale.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Rendered texts and token ids are those of transformers. */
class ExpectedIdsTest {
    @Test
    void tinyModel() throws IOException {
        Path resources = Path.of(System.getProperty("kvscale.top"), "udfs/src/test/resources/models/tiny");
        assertThat(compare(TinyTokenizer.FOLDER, resources.resolve("expected.json"), 512))
                .isEqualTo(6);
    }

    /** Too large for this repository: {@code -Dkvscale.models=DIR} names the folder that holds it. */
    @Test
    @EnabledIfSystemProperty(named = "kvscale.models", matches = ".+")
    void smolLm2() throws IOException {
        Path folder = Path.of(System.getProperty("kvscale.models"), "smollm2");
        assertThat(compare(folder, folder.resolve("expected.json"), 49152)).isEqualTo(8);
    }

    private static int compare(Path folder, Path expected, int vocabulary) throws IOException {
        List<String> lines = Files.readAllLines(folder.resolve("texts.jsonl"));
        JsonNode texts = new ObjectMapper().readTree(expected.toFile()).path("texts");
        // The expected ids are without special tokens, chats or not.
        TextOptions options = new TextOptions(TextFields.DEFAULT, false, false, false);
        try (TextEncoder encoder = TextEncoder.open(folder, options, vocabulary)) {
            for (int i = 0; i < texts.size(); i++) {
                JsonNode want = texts.get(i);
                assertThat(want.path("line").intValue()).isBetween(0, lines.size());
                EncodedText got = encoder.encode(TextRecord.ofJson(lines.get(i), TextFields.DEFAULT));
                assertThat(got.rendered()).isEqualTo(want.path("rendered").textValue());
                assertThat(got.ids()).containsExactly(new ObjectMapper().convertValue(want.path("ids"), int[].class));
            }
        }
        assertThat(texts).hasSameSizeAs(lines);
        return texts.size();
    }
}
