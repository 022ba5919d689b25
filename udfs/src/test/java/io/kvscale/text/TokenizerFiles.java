package io.kvscale.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Small tokenizer.json files of the kinds that published models have. */
final class TokenizerFiles {
    static final ObjectMapper JSON = new ObjectMapper();

    private static final String ADDED =
            "{'id': %d, 'content': '%s', 'single_word': false, 'lstrip': %s, 'rstrip': false, 'normalized': %s, 'special': true}";

    private TokenizerFiles() {}

    static ObjectNode bpe() {
        try {
            return (ObjectNode) JSON.readTree(Files.readAllBytes(TinyTokenizer.FOLDER.resolve("tokenizer.json")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As XLM-RoBERTa and T5. */
    static ObjectNode unigram() {
        ObjectNode file = part("{'version': '1.0', 'truncation': null, 'padding': null, 'added_tokens': ["
                + ADDED.formatted(0, "<unk>", false, false) + "," + ADDED.formatted(1, "<s>", false, false) + ","
                + ADDED.formatted(2, "<mask>", true, true)
                + "], 'normalizer': {'type': 'Sequence', 'normalizers': [{'type': 'Precompiled', 'precompiled_charsmap': '"
                + charsmap(Map.of(
                        "\u00a0", " ", "\ufb01", "fi", "\u0007", "", "\ufdfa", "salla llah alayh", "e\u0301", "\u00e9"))
                + "'}, {'type': 'Replace', 'pattern': {'Regex': ' {2,}'}, 'content': '\u2581'}]},"
                + "'pre_tokenizer': {'type': 'Metaspace', 'replacement': '\u2581', 'prepend_scheme': 'always', 'split': true},"
                + "'post_processor': {'type': 'TemplateProcessing', 'single': [{'SpecialToken': {'id': '<s>', 'type_id': 0}},"
                + "{'Sequence': {'id': 'A', 'type_id': 0}}], 'pair': [{'Sequence': {'id': 'A', 'type_id': 0}}, {'Sequence':"
                + " {'id': 'B', 'type_id': 0}}], 'special_tokens': {'<s>': {'id': '<s>', 'ids': [1], 'tokens': ['<s>']}}},"
                + "'decoder': {'type': 'Metaspace', 'replacement': '\u2581', 'prepend_scheme': 'always', 'split': true},"
                + "'model': {'type': 'Unigram', 'unk_id': 0, 'vocab': [['<unk>', 0.0], ['<s>', 0.0], ['<mask>', 0.0]], "
                + "'byte_fallback': false}}");
        String[] pieces = {
            "\u2581", "e", "t", "a", "o", "i", "n", "s", "\u2581the", "\u2581a", "ing", "er", "\u00e9", "fi", "1", "2"
        };
        for (int i = 0; i < pieces.length; i++) {
            file.withObject("/model")
                    .withArray("vocab")
                    .addArray()
                    .add(pieces[i])
                    .add(-1.5 - i / 3.0);
        }
        return file;
    }

    /** As BERT. */
    static ObjectNode wordPiece() {
        ObjectNode file = part(
                "{'version': '1.0', 'truncation': null, 'padding': null, 'added_tokens': ["
                        + ADDED.formatted(0, "[UNK]", false, false) + "," + ADDED.formatted(1, "[CLS]", false, false)
                        + ","
                        + ADDED.formatted(2, "[SEP]", false, false)
                        + "], 'normalizer': {'type': 'BertNormalizer', 'clean_text': true, 'handle_chinese_chars': true,"
                        + " 'strip_accents': null, 'lowercase': true}, 'pre_tokenizer': {'type': 'BertPreTokenizer'},"
                        + "'post_processor': {'type': 'BertProcessing', 'sep': ['[SEP]', 2], 'cls': ['[CLS]', 1]},"
                        + "'decoder': {'type': 'WordPiece', 'prefix': '##', 'cleanup': true}, 'model': {'type': 'WordPiece',"
                        + "'unk_token': '[UNK]', 'continuing_subword_prefix': '##', 'max_input_chars_per_word': 100, 'vocab': {}}}");
        ObjectNode vocabulary = file.withObject("/model/vocab");
        String[] words = {
            "[UNK]", "[CLS]", "[SEP]", "the", "a", "##a", "##s", "t", "##t", "river", "##ing", "1", "##1", ",", "\u4e2d"
        };
        for (int i = 0; i < words.length; i++) {
            vocabulary.put(words[i], i);
        }
        return file;
    }

    static ObjectNode part(String singleQuoted) {
        try {
            return (ObjectNode) JSON.readTree(singleQuoted.replace('\'', '"'));
        } catch (JsonProcessingException e) {
            throw new AssertionError(singleQuoted, e);
        }
    }

    static JsonNode json(String singleQuoted) {
        try {
            return JSON.readTree(singleQuoted.replace('\'', '"'));
        } catch (JsonProcessingException e) {
            throw new AssertionError(singleQuoted, e);
        }
    }

    /** A character map in SentencePiece's format, base64. Each node of the trie has a block of 256 units. */
    static String charsmap(Map<String, String> map) {
        ByteBuffer texts = ByteBuffer.allocate(1 << 12);
        List<int[]> blocks = new ArrayList<>(List.of(new int[256], new int[256]));
        blocks.get(0)[0] = 256 << 10;
        for (Map.Entry<String, String> entry : new TreeMap<>(map).entrySet()) {
            int unit = 0;
            for (byte key : entry.getKey().getBytes(StandardCharsets.UTF_8)) {
                int children = unit ^ blocks.get(unit >> 8)[unit & 255] >>> 10;
                unit = children + (key & 255);
                if (blocks.get(unit >> 8)[unit & 255] == 0) {
                    blocks.get(unit >> 8)[unit & 255] = (unit ^ blocks.size() * 256) << 10 | key & 255;
                    blocks.add(new int[256]);
                }
            }
            blocks.get(unit >> 8)[unit & 255] |= 1 << 8;
            int children = unit ^ blocks.get(unit >> 8)[unit & 255] >>> 10;
            blocks.get(children >> 8)[0] = texts.position() | 1 << 31;
            texts.put(entry.getValue().getBytes(StandardCharsets.UTF_8)).put((byte) 0);
        }
        ByteBuffer bytes =
                ByteBuffer.allocate(4 + blocks.size() * 1024 + texts.position()).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(blocks.size() * 1024);
        blocks.forEach(block -> {
            for (int unit : block) {
                bytes.putInt(unit);
            }
        });
        bytes.put(texts.flip());
        return Base64.getEncoder().encodeToString(bytes.array());
    }
}
