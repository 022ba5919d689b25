package io.kvscale.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class TextEncoderTest {
    private static final TextRecord CHAT = new TextRecord.Chat(List.of(Map.of("role", "user", "content", "hello")));
    private static final TextRecord PLAIN = new TextRecord.Plain("hello world");

    @TempDir
    private Path folder;

    @Test
    void specialTokensDependOnTheKindOfRecord() {
        TinyTokenizer.copy(folder);
        TinyTokenizer.edit(folder.resolve("tokenizer.json"), json -> json.set("post_processor", processor(1)));
        assertThat(first(PLAIN, TextOptions.DEFAULT)).isEqualTo(1);
        assertThat(first(PLAIN, new TextOptions(TextFields.DEFAULT, false, false, false)))
                .isNotEqualTo(1);
        TextOptions inChats = new TextOptions(TextFields.DEFAULT, false, true, false);
        assertThat(encode(CHAT, inChats).ids()).startsWith(1, 1);
        assertThat(encode(CHAT, TextOptions.DEFAULT).ids()[1]).isNotEqualTo(1);
    }

    @Test
    void theGenerationPromptIsOptional() {
        TinyTokenizer.copy(folder);
        assertThat(encode(CHAT, TextOptions.DEFAULT).rendered()).isEqualTo("<|im_start|>user\nhello<|im_end|>\n");
        assertThat(encode(CHAT, new TextOptions(TextFields.DEFAULT, true, false, true))
                        .rendered())
                .isEqualTo("<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n");
    }

    @Test
    void truncationAndPaddingOfTheFileAreOff() throws IOException {
        TinyTokenizer.copy(folder);
        int[] whole = encode(new TextRecord.Plain("hello ".repeat(1000)), TextOptions.DEFAULT)
                .ids();
        assertThat(whole).hasSizeGreaterThan(1000);
        ObjectMapper json = new ObjectMapper();
        var truncation = json.readTree(
                "{\"direction\": \"Right\", \"max_length\": 5, \"strategy\": \"LongestFirst\", \"stride\": 0}");
        var padding = json.readTree("{\"strategy\": {\"Fixed\": 4000}, \"direction\": \"Right\","
                + " \"pad_to_multiple_of\": null, \"pad_id\": 2, \"pad_type_id\": 0, \"pad_token\": \"<|im_end|>\"}");
        TinyTokenizer.edit(folder.resolve("tokenizer.json"), file -> {
            file.set("truncation", truncation);
            file.set("padding", padding);
        });
        assertThat(encode(new TextRecord.Plain("hello ".repeat(1000)), TextOptions.DEFAULT)
                        .ids())
                .containsExactly(whole);
    }

    @Test
    void everyCharacterIsTokenized() {
        TinyTokenizer.copy(folder);
        String unusual = "\u0000\u0001\ud83d\ude00\uffff\ufeff\u2028\u00e9e\u0301\r\n";
        TextOptions plain = new TextOptions(TextFields.DEFAULT, false, false, false);
        byte[] utf8 = unusual.getBytes(StandardCharsets.UTF_8);
        // A vocabulary of 512 has few merges: at most one token per byte and at least one per character.
        assertThat(encode(new TextRecord.Plain(unusual), plain).ids())
                .hasSizeBetween(unusual.codePointCount(0, unusual.length()), utf8.length);
    }

    @Test
    @Timeout(value = 60, unit = TimeUnit.SECONDS)
    void megabytesTakeSeconds() {
        String text = "The river had been rising for three days, 1,234.5 m.\n".repeat(37_000);
        assertThat(text).hasSizeGreaterThan(1_900_000);
        try (TextEncoder encoder = TextEncoder.open(TinyTokenizer.FOLDER, TextOptions.DEFAULT, 512)) {
            int[] ids = encoder.encode(new TextRecord.Plain(text)).ids();
            int[] line = encoder.encode(new TextRecord.Plain(text.substring(0, text.indexOf('\n') + 1)))
                    .ids();
            assertThat(ids).hasSize(37_000 * line.length).startsWith(line).endsWith(line);
        }
    }

    @Test
    void aTextAboveTwoMillionCharactersIsRefused() {
        try (TextEncoder encoder = TextEncoder.open(TinyTokenizer.FOLDER, TextOptions.DEFAULT, 512)) {
            assertThatThrownBy(() -> encoder.encode(new TextRecord.Plain("é".repeat(2_000_001))))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContainingAll("2000001 characters, at most 2000000", "split it into several records");
        }
    }

    @Test
    void concurrentThreadsGiveTheSameIds() {
        List<String> texts = IntStream.range(0, 400)
                .mapToObj(i -> "text number " + i + " é".repeat(i % 7))
                .toList();
        try (TextEncoder encoder = TextEncoder.open(TinyTokenizer.FOLDER, TextOptions.DEFAULT, 512)) {
            List<int[]> alone =
                    texts.stream().map(text -> encoder.encode(chat(text)).ids()).toList();
            List<int[]> together = texts.parallelStream()
                    .map(text -> encoder.encode(chat(text)).ids())
                    .toList();
            for (int i = 0; i < texts.size(); i++) {
                assertThat(together.get(i)).containsExactly(alone.get(i));
            }
            assertThat(alone.stream().map(Arrays::toString).distinct()).hasSize(400);
        }
    }

    @Test
    void aTokenizerLargerThanTheEmbeddingIsRefused() {
        TinyTokenizer.copy(folder);
        assertThatThrownBy(() -> TextEncoder.open(folder, TextOptions.DEFAULT, 511))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("the tokenizer has token id 511, but the model's embedding has 511 rows");
        TextEncoder.open(folder, TextOptions.DEFAULT, 600).close();
        TinyTokenizer.edit(folder.resolve("tokenizer.json"), json -> json.set("post_processor", processor(777)));
        assertThatThrownBy(() -> TextEncoder.open(folder, TextOptions.DEFAULT, 512))
                .hasMessageContaining("the tokenizer has token id 777, but the model's embedding has 512 rows");
    }

    @Test
    void missingAndBrokenTokenizersAreNamed() throws IOException {
        assertThatThrownBy(() -> TextEncoder.open(folder, TextOptions.DEFAULT, 512))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("no tokenizer.json")
                .hasMessageContaining("save_pretrained");
        String whole = Files.readString(TinyTokenizer.FOLDER.resolve("tokenizer.json"));
        for (String broken : List.of(
                "",
                "[]",
                "{}",
                whole.substring(0, whole.length() / 2),
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}}}",
                "{\"model\": {\"type\": \"Nope\", \"vocab\": {\"a\": 0}, \"merges\": []}}")) {
            TinyTokenizer.write(folder.resolve("tokenizer.json"), broken);
            assertThatThrownBy(() -> TextEncoder.open(folder, TextOptions.DEFAULT, 512))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContaining("tokenizer.json is invalid");
        }
        Files.write(folder.resolve("chat_template.jinja"), new byte[] {(byte) 0xff});
        assertThatThrownBy(() -> TextEncoder.open(folder, TextOptions.DEFAULT, 512))
                .hasMessageContaining("chat_template.jinja is invalid: it is not UTF-8");
    }

    @Test
    void aTextWithoutTokensIsRefusedAsEmpty() {
        TinyTokenizer.copy(folder);
        TinyTokenizer.write(folder.resolve("chat_template.jinja"), "{# nothing #}");
        assertThatThrownBy(() -> encode(CHAT, TextOptions.DEFAULT))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("empty");
    }

    private int first(TextRecord record, TextOptions options) {
        return encode(record, options).ids()[0];
    }

    private EncodedText encode(TextRecord record, TextOptions options) {
        try (TextEncoder encoder = TextEncoder.open(folder, options, 1000)) {
            return encoder.encode(record);
        }
    }

    private static TextRecord chat(String text) {
        return new TextRecord.Chat(List.of(Map.of("role", "user", "content", text)));
    }

    /** Makes the tokenizer put this token before every text. */
    private static JsonNode processor(int id) {
        try {
            return new ObjectMapper()
                    .readTree(("{'type': 'TemplateProcessing', 'single': [{'SpecialToken': {'id': '<|im_start|>',"
                                    + " 'type_id': 0}}, {'Sequence': {'id': 'A', 'type_id': 0}}], 'pair': [{'Sequence':"
                                    + " {'id': 'A', 'type_id': 0}}, {'Sequence': {'id': 'B', 'type_id': 1}}],"
                                    + " 'special_tokens': {'<|im_start|>': {'id': '<|im_start|>', 'ids': [" + id
                                    + "], 'tokens': ['<|im_start|>']}}}")
                            .replace('\'', '"'));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
