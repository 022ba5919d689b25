package io.kvscale.text.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.tensor.InvalidDataException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckedTokenizerTest {
    private static final String BPE = "'model': {'type': 'BPE', 'vocab': {'a': 0, 'b': 1, 'ab': 2}, 'merges': ['a b']}";
    private static final String LLAMA_3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
            + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String DEEPSEEK =
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?"
                    + "[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String O200K =
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
                    + "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"
                    + "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|"
                    + "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /** The regular expressions of published models: each is accepted, without a bound on runs. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                LLAMA_3,
                DEEPSEEK,
                O200K,
                // Qwen 2 and 3, and Qwen 3.5
                "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|"
                        + "\\s+(?!\\S)|\\s+",
                "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|"
                        + "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
                "(?>a)",
                "(?>[ab]+)|c",
                "(a+)+",
                // GPT-2, GPT-NeoX, OPT, Falcon
                "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
                "[0-9][0-9][0-9]",
                // DeepSeek's other parts
                "\\p{N}{1,3}",
                "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
                "\\s?\\p{L}+",
                "[\\r\\n]",
                // BLOOM, CLIP, T5
                " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+",
                "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
                " {2,}",
                // Kimi
                "[\\p{Han}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&"
                        + "[^\\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}&&"
                        + "[^\\p{Han}]]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}|"
                        + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
            })
    void regularExpressionsOfModelsAreAccepted(String regex) {
        TextLimits limits = check(split(regex)).limits();
        assertThat(limits.runs()).isFalse();
        assertThat(limits.characters()).isEqualTo(2_000_000);
    }

    /** The time of these is the square of the length of a run of spaces or digits: runs are bounded. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                // DeepSeek LLM, cl100k, right-to-left groups of digits
                "\\s+$",
                "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|"
                        + "\\s*[\\r\\n]|\\s+(?!\\S)|\\s",
                "(?=(\\d{3})+(?!\\d))"
            })
    void regularExpressionsThatScanRunsBoundThem(String regex) {
        TextLimits limits = check(split(regex)).limits();
        assertThat(limits.runs()).isTrue();
        limits.check("a".repeat(20_000), 20_000);
        assertThatThrownBy(() -> limits.check("a" + " ".repeat(10_001), 10_002))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("more than 10000 spaces or digits in a row");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "(a|a)*b",
                "(?:a*)*",
                "a*a*b",
                "\\p{L}*x",
                "(a|ab)+c",
                "(?=a+b)",
                "(?:a?){20}",
                "\\p{N}{1,3}+x",
                ".*x.*y",
                "a+?b",
                "(a?b?c?d?e?f?g?h?i?j?k?)",
                "a{1000}",
                "(a)\\1",
                "(?<n>a)",
                "(?~a)",
                "\\K",
                "\\Xa",
                "(?i)a",
                "a**",
                "a+*",
                "[a",
                "(a",
                "a)",
                "*a",
                "(*FAIL)",
                "\\S[a-z]{1,3}+[\\r\\n]|[a-z]{1,3}+",
                "(?:ab)*x|a+",
                "[a-z]*x|[a-z]|[a-z]+",
                "\\s+\\s+$",
                "(?>a+)b",
                "(?:a+b)+",
                "(?:a*)+",
                "(?:a+|b){2}c",
                "\\p{Script=Han}",
                // A lookaround that scans a run, many times in one match
                "(?:(?:(?!\\s+ x)\\s))+",
                "\\s+(?=\\s+ x)",
                "\\s?\\s?\\s?\\s?\\s?(?=\\s+ x)"
            })
    void otherRegularExpressionsAreRefused(String regex) {
        refused(split(regex), "pre_tokenizer (Split): its regular expression");
    }

    @Test
    void partsOfModelsAreAccepted() {
        // Llama 2 and Mistral; Gemma; BERT; Qwen; Phi-3
        check(
                "'normalizer': {'type': 'Sequence', 'normalizers': [{'type': 'Prepend', 'prepend': '\u2581'}, {'type': 'Replace',"
                        + "'pattern': {'String': ' '}, 'content': '\u2581'}]}, 'pre_tokenizer': null");
        check(
                "'normalizer': {'type': 'Replace', 'pattern': {'String': ' '}, 'content': '\u2581'}, 'pre_tokenizer': {'type': 'Split',"
                        + "'pattern': {'String': ' '}, 'behavior': 'MergedWithPrevious', 'invert': false}");
        check(
                "'normalizer': {'type': 'BertNormalizer', 'clean_text': true, 'handle_chinese_chars': true, 'strip_accents': null,"
                        + "'lowercase': true}, 'pre_tokenizer': {'type': 'BertPreTokenizer'}");
        check(
                "'normalizer': {'type': 'NFC'}, 'pre_tokenizer': {'type': 'Sequence', 'pretokenizers': [{'type': 'Split', 'pattern':"
                        + "{'String': ' '}, 'behavior': 'Isolated', 'invert': false}, {'type': 'ByteLevel', 'add_prefix_space': false,"
                        + "'trim_offsets': false, 'use_regex': false}]}, 'post_processor': {'type': 'ByteLevel', 'add_prefix_space': false,"
                        + "'trim_offsets': false, 'use_regex': false}");
        check("'added_tokens': [{'id': 5, 'content': '<|end|>', 'single_word': false, 'lstrip': false, 'rstrip': true,"
                + "'normalized': false, 'special': true}], 'pre_tokenizer': {'type': 'Metaspace', 'replacement': '\u2581',"
                + "'add_prefix_space': true, 'prepend_scheme': 'first', 'split': false}");
        // ALBERT and XLNet; CLIP
        check(
                "'normalizer': {'type': 'Sequence', 'normalizers': [{'type': 'Replace', 'pattern': {'String': '``'}, 'content': '\\\"'},"
                        + "{'type': 'NFKD'}, {'type': 'StripAccents'}, {'type': 'Lowercase'}]}");
        check(
                "'normalizer': {'type': 'Sequence', 'normalizers': [{'type': 'NFC'}, {'type': 'Replace', 'pattern': {'Regex': '\\\\s+'},"
                        + "'content': ' '}, {'type': 'Lowercase'}]}");
        // Llama 3: offsets only, then a template
        CheckedTokenizer llama = check("'post_processor': {'type': 'Sequence', 'processors': [{'type': 'ByteLevel',"
                + "'add_prefix_space': true, 'trim_offsets': false, 'use_regex': true}, {'type': 'TemplateProcessing', 'single':"
                + "[{'SpecialToken': {'id': '<s>', 'type_id': 0}}, {'Sequence': {'id': 'A', 'type_id': 0}}], 'pair': [],"
                + "'special_tokens': {'<s>': {'id': '<s>', 'ids': [128000], 'tokens': ['<s>']}}}]}");
        assertThat(llama.largestId()).isEqualTo(128000);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'pattern': {'String': ''}, 'content': 'l'|its pattern is empty",
                "'pattern': {'Regex': 'l*'}, 'content': 'l'|its pattern matches the empty text",
                "'pattern': {'String': 'l'}, 'content': 7|content is not a string",
                "'content': 'l'|pattern is neither a String nor a Regex"
            })
    void aReplacementIsNamed(String fields) {
        String[] both = fields.split("\\|");
        refused(
                "'normalizer': {'type': 'Sequence', 'normalizers': [{'type': 'NFC'}, {'type': 'Replace', " + both[0]
                        + "}]}",
                "normalizer 2 (Replace): " + both[1]);
    }

    @Test
    void growthIsBoundedAsAProduct() {
        String l = "{'type': 'Replace', 'pattern': {'String': 'l'}, 'content': '" + "l".repeat(100) + "'}";
        String once = "'normalizer': {'type': 'Sequence', 'normalizers': [" + l + "]}";
        assertThat(check(once).limits().bytes()).isEqualTo((32 << 20) / 100);
        refused(
                once.replace("]}", "," + l + "," + l + "]}"),
                "normalizer 2 (Replace): it can make a text 10000 times as long, at most 400 times");
    }

    /** Each part takes about a second for the longest text. */
    @Test
    void partsAreCountedInAllSequences() {
        String ten = "{'type': 'Sequence', 'normalizers': [{'type': 'NFC'}" + ", {'type': 'NFC'}".repeat(9) + "]}";
        String all = "'normalizer': {'type': 'Sequence', 'normalizers': [" + ten + ", " + ten + "]}";
        assertThat(check(all).limits().characters()).isEqualTo(2_000_000 * 12 / 23);
        refused(all.replace("]}]}", "]}, " + ten + "]}"), "(NFC): it is part 33 of normalizer and pre-tokenizer");
    }

    /** A normalization form adds nothing to another; an inserted text is measured as the forms would leave it. */
    @Test
    void formsDoNotMultiply() {
        String forms =
                "'normalizer': {'type': 'Sequence', 'normalizers': [{'type': 'NFC'}, {'type': 'NFKD'}, {'type': 'NFKC'}]}";
        assertThat(check(forms).limits().bytes()).isEqualTo((32 << 20) / 11);
        String insert = "{'type': 'Replace', 'pattern': {'String': 'l'}, 'content': '\ufdfa'}, {'type': 'NFKC'}]}";
        assertThat(check(forms.replace("]}", ", " + insert)).limits().bytes()).isEqualTo((32 << 20) / 363);
    }

    /** Every choice is tried at every character of a text. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "a?a?a?a?a?a?a?a?a?[xy]|a?a?a?a?a?a?a?a?a?[xy]",
                "(?:(?:(?:a{16}){16}){16}){16}",
                "(?:a|b|c|d|e|f|g|h){2}(?:a|b|c|d|e|f|g|h)x|a{16}b"
            })
    void regularExpressionsWithManyStepsBoundTexts(String regex) {
        assertThat(check(split(regex)).limits().characters()).isBetween(1_000, 1_000_000);
    }

    /** The native tokenizer would search for an empty text, and end the JVM. */
    @Test
    void anAddedTokenThatTheNormalizerRemovesIsRefused() {
        String token =
                "'added_tokens': [{'id': 5, 'content': 'x', 'single_word': false, 'lstrip': false, 'rstrip': false,"
                        + "'normalized': %s, 'special': true}], 'normalizer': {'type': 'Replace', 'pattern': {'String': 'x'},"
                        + "'content': ''}";
        refused(token.replace("%s", "true"), "the normalizer leaves nothing of it");
        check(token.replace("%s", "false"));
    }

    @Test
    void characterMapsAreBounded() {
        refused(charsmap("AAAAAP////8="), "normalizer (Precompiled): its character map is cut short or has no trie");
        refused(charsmap("\u00e9"), "is not base64");
        refused("'normalizer': {'type': 'Precompiled', 'precompiled_charsmap': null}", "is not a string");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'vocab': {'a': -1}, 'merges': []",
                "'vocab': {'a': 4294967295}, 'merges': []",
                "'vocab': {'a': 'b'}, 'merges': []",
                "'vocab': {'a': 0}",
                "'vocab': {'a': 0}, 'merges': [['a']]",
                "'vocab': {'a': 0}, 'merges': [['a', 'b', 'c']]",
                "'vocab': {'a': 0}, 'merges': [7]",
                "'vocab': {'a': 0}, 'vocab': {'a': 1}, 'merges': []",
                "'vocab': {'a': 0}, 'merges': [], 'dropout': 0.5",
                "'vocab': {'a': 0}, 'merges': [], 'continuing_subword_prefix': '##'",
                "'vocab': [['a', 0]], 'type': 'Unigram', 'unk_id': 1",
                "'vocab': [['a', 1e101]], 'type': 'Unigram'",
                "'vocab': [['a']], 'type': 'Unigram'",
                "'vocab': {'a': 0}, 'type': 'WordPiece', 'unk_token': 'a', 'continuing_subword_prefix': '', 'max_input_chars_per_word': 9999"
            })
    void vocabulariesAreChecked(String model) {
        assertThatThrownBy(() -> CheckedTokenizer.of(json("{'model': {" + model + "}}")))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("the model's tokenizer.json is invalid: ");
    }

    @Test
    void filesWithoutTypesAreRead() {
        CheckedTokenizer.of(json("{'model': {'vocab': {'a': 0}, 'merges': []}}"));
        CheckedTokenizer.of(json("{'model': {'vocab': [['a', -1.5]], 'unk_id': 0}}"));
        CheckedTokenizer.of(json("{'model': {'vocab': {'a': 0}, 'unk_token': 'a', 'continuing_subword_prefix': '##',"
                + " 'max_input_chars_per_word': 100}}"));
    }

    @Test
    void onlyCheckedFieldsReachTheTokenizer() {
        CheckedTokenizer checked = check("'decoder': {'type': 'Nope'}, 'padding': 7, 'truncation': {'max_length': 5},"
                + "'pre_tokenizer': {'type': 'Digits', 'individual_digits': true, 'other': 7}");
        assertThat(new String(checked.json(), StandardCharsets.UTF_8))
                .isEqualTo(
                        "{\"version\":\"1.0\",\"pre_tokenizer\":{\"type\":\"Digits\",\"individual_digits\":true},\"model\":"
                                + "{\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"],\"type\":\"BPE\"}}");
    }

    @Test
    void longTextsAreRefused() {
        TextLimits limits = check("'pre_tokenizer': null").limits();
        limits.check("a".repeat(2_000_000), 2_000_000);
        assertThatThrownBy(() -> limits.check("a".repeat(2_000_001), 2_000_001))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("the text has 2000001 characters, at most 2000000")
                .hasMessageContaining("split it into several records");
    }

    private static String charsmap(String base64) {
        return "'normalizer': {'type': 'Precompiled', 'precompiled_charsmap': '" + base64 + "'}";
    }

    private static String split(String regex) {
        String escaped = regex.replace("\\", "\\\\").replace("\"", "\\\"").replace("'", "\\u0027");
        return "'pre_tokenizer': {'type': 'Split', 'pattern': {'Regex': '" + escaped
                + "'}, 'behavior': 'Isolated', 'invert': false}";
    }

    private static CheckedTokenizer check(String part) {
        return CheckedTokenizer.of(json("{" + part + ", " + BPE + "}"));
    }

    private static void refused(String part, String why) {
        assertThatThrownBy(() -> check(part))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("the model's tokenizer.json is invalid: ")
                .hasMessageContaining(why);
    }

    private static byte[] json(String singleQuoted) {
        return singleQuoted.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    }
}
