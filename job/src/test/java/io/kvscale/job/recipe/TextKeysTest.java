package io.kvscale.job.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.text.TextFields;
import io.kvscale.text.TextOptions;
import org.junit.jupiter.api.Test;

/** Text keys of recipes. */
class TextKeysTest {
    private static TextSettings parse(String fields) {
        return Recipe.parse("{kv_cache_scheme: {}, kvscale: {" + fields + "}}", "r.yaml")
                .text();
    }

    @Test
    void theDefaults() {
        TextSettings expected = new TextSettings(
                new TextOptions(new TextFields("text", "messages", "prompt", "completion"), true, false, false),
                0,
                0,
                true,
                42,
                false,
                false,
                0,
                "model.onnx",
                false,
                0,
                512,
                0,
                StratumQuota.NONE);
        assertThat(parse("")).isEqualTo(expected);
        assertThat(parse("fields: , seed: , shuffle: , chunk_tokens: , model_file: , add_special_tokens: "))
                .isEqualTo(expected);
    }

    @Test
    void everyKey() {
        assertThat(parse("fields: {text: body, messages: turns, prompt: question, completion: answer},"
                        + " num_calibration_samples: 512, max_seq_length: 2048, shuffle: false, seed: -5000000000,"
                        + " long_texts: windows, add_special_tokens: true, generation_prompt: true,"
                        + " max_bad_records: 3, model_file: m.onnx, feedback: fake_quantize, residual_length: 128,"
                        + " chunk_tokens: 16, max_failed_samples: 4"))
                .isEqualTo(new TextSettings(
                        new TextOptions(new TextFields("body", "turns", "question", "answer"), true, true, true),
                        512,
                        2048,
                        false,
                        -5_000_000_000L,
                        false,
                        true,
                        3,
                        "m.onnx",
                        true,
                        128,
                        16,
                        4,
                        StratumQuota.NONE));
        assertThat(parse("concatenate_data: true, max_seq_length: 8").concatenate())
                .isTrue();
        assertThat(parse("add_special_tokens: false").options().plainSpecialTokens())
                .isFalse();
        assertThat(parse("long_texts: truncate, feedback: none, residual_length: 0"))
                .isEqualTo(TextSettings.DEFAULT);
    }
}
