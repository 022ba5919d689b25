package io.kvscale.text;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.text.tokenizer.CheckedTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The tokenizers of published models, with small vocabularies: each is accepted, and its checked file gives the token ids of
 * the file itself. {@code tokenizers/families.json} has their normalizers, pre-tokenizers, post-processors, decoders and
 * some of their added tokens, written down from what is known of the models.
 */
class TokenizerFamiliesTest {
    private static final List<String> TEXTS = List.of(
            "",
            " ",
            "The river had risen by 1234.5 m;  it's THEY'LL say: \"caf\u00e9\" na\u00efve ``quoted''\n\n\n  indented\tcode() {}\r\n",
            "\u4e2d\u56fd\u7684\u6cb3\u6d41 \u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8, \ud55c\uad6d\uc5b4 \u0939\u093f\u0928\u094d\u0926\u0940 \ud83d\ude00\ud83d\udc4d\ud83c\udffd \ufdfa \ufb01n \uff21\uff22\uff23 \u00bd \u2462 \u00c4rzte",
            "<s>[INST] a [/INST]</s> <|endoftext|>  x <|im_start|>user\n<|eot_id|> [MASK] the <mask>, <|user|>  \n b",
            "  <\uff5cbegin\u2581of\u2581sentence\uff5c>  Hello<\uff5cend\u2581of\u2581sentence\uff5c> \u2581\u2581 </s>",
            "e\u0301 A\u030a \u00a0\u2003\u3000\u200b\u0000 ".repeat(3) + " ".repeat(40) + "end" + "\t".repeat(9));

    @BeforeAll
    static void keepOutOfHome() {
        NativeFiles.keepOutOfHome();
    }

    @ParameterizedTest
    @MethodSource("families")
    void checkedFilesGiveTheSameIds(String name, ObjectNode file) throws IOException {
        byte[] json = TokenizerFiles.JSON.writeValueAsBytes(file);
        CheckedTokenizer checked = CheckedTokenizer.of(json);
        assertThat(checked.limits().characters()).isGreaterThanOrEqualTo(400_000);
        assertThat(checked.limits().bytes()).isGreaterThanOrEqualTo(400_000);
        try (HuggingFaceTokenizer original = open(json);
                HuggingFaceTokenizer copy = open(checked.json())) {
            for (String text : TEXTS) {
                for (boolean special : new boolean[] {true, false}) {
                    assertThat(copy.encode(text, special, false).getIds())
                            .as(name + ": " + text)
                            .containsExactly(
                                    original.encode(text, special, false).getIds());
                }
            }
            assertThat(original.encode(TEXTS.get(2)).getIds()).hasSizeGreaterThan(10);
        }
    }

    private static HuggingFaceTokenizer open(byte[] json) throws IOException {
        return HuggingFaceTokenizer.newInstance(
                new ByteArrayInputStream(json), Map.of("truncation", "false", "padding", "false"));
    }

    /** Names and files. */
    static Stream<Object[]> families() throws IOException {
        String charsmap = TokenizerFiles.charsmap(Map.of(
                "\u00a0",
                " ",
                "\u3000",
                " ",
                "\ufb01",
                "fi",
                "\uff21",
                "A",
                "e\u0301",
                "\u00e9",
                "\u0000",
                " ",
                "\ufdfa",
                "\u0635\u0644\u0649 \u0627\u0644\u0644\u0647 \u0639\u0644\u064a\u0647 \u0648\u0633\u0644\u0645"));
        try (InputStream in = TokenizerFamiliesTest.class.getResourceAsStream("/tokenizers/families.json")) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("CHARSMAP", charsmap);
            ArrayNode families = (ArrayNode) TokenizerFiles.JSON.readTree(text);
            return families
                    .valueStream()
                    .map(family -> new Object[] {family.path("name").asText(), file((ObjectNode) family)})
                    .toList()
                    .stream();
        }
    }

    private static ObjectNode file(ObjectNode family) {
        ObjectNode file = family.deepCopy().put("version", "1.0");
        file.putNull("truncation").putNull("padding").remove(List.of("name", "fields"));
        ObjectNode model = switch (family.path("model").asText()) {
            case "bytes" -> bytes();
            case "pieces" -> pieces();
            case "unigram" ->
                (ObjectNode) TokenizerFiles.unigram().path("model").deepCopy();
            case "words" ->
                (ObjectNode) TokenizerFiles.wordPiece().path("model").deepCopy();
            default -> throw new AssertionError(family);
        };
        file.set("model", model.setAll((ObjectNode) family.path("fields")));
        return file;
    }

    /** Byte-level BPE, as the tiny model. */
    private static ObjectNode bytes() {
        return (ObjectNode) TokenizerFiles.bpe().path("model").deepCopy();
    }

    /** BPE of SentencePiece: characters, and bytes for all others. */
    private static ObjectNode pieces() {
        ObjectNode model = TokenizerFiles.part(
                "{'type': 'BPE', 'dropout': null, 'unk_token': '<unk>', 'continuing_subword_prefix': null,"
                        + "'end_of_word_suffix': null, 'fuse_unk': true, 'byte_fallback': true, 'vocab': {}, 'merges': ['t h', 'th e',"
                        + "'\u2581 the', '\u2581 \u2581']}");
        ObjectNode vocabulary = (ObjectNode) model.path("vocab");
        Stream.of("<unk>", "<s>", "</s>").forEach(token -> vocabulary.put(token, vocabulary.size()));
        for (int i = 0; i < 256; i++) {
            vocabulary.put("<0x%02X>".formatted(i), vocabulary.size());
        }
        Stream.of("\u2581", "t", "h", "e", "th", "the", "\u2581the", "\u2581\u2581", "a", "\u4e2d")
                .forEach(token -> vocabulary.put(token, vocabulary.size()));
        return model;
    }
}
