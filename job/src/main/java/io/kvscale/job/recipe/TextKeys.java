package io.kvscale.job.recipe;

import io.kvscale.scheme.Given;
import io.kvscale.scheme.Vocabulary;
import io.kvscale.text.TextFields;
import io.kvscale.text.TextOptions;
import org.jspecify.annotations.Nullable;

/** The keys under {@code kvscale:} about text, named as llm-compressor's dataset arguments where it has them. */
final class TextKeys {
    private static final String FIELDS = "fields";
    private static final String SAMPLES = "num_calibration_samples";
    private static final String MAX_SEQ_LENGTH = "max_seq_length";
    private static final String SHUFFLE = "shuffle";
    private static final String SEED = "seed";
    private static final String CONCATENATE = "concatenate_data";
    private static final String LONG_TEXTS = "long_texts";
    private static final String SPECIAL_TOKENS = "add_special_tokens";
    private static final String GENERATION_PROMPT = "generation_prompt";
    private static final String MAX_BAD_RECORDS = "max_bad_records";
    private static final String MODEL_FILE = "model_file";
    private static final String FEEDBACK = "feedback";
    private static final String RESIDUAL_LENGTH = "residual_length";
    private static final String CHUNK_TOKENS = "chunk_tokens";
    private static final String MAX_FAILED_SAMPLES = "max_failed_samples";
    static final Vocabulary KEYS = Vocabulary.of(
            FIELDS,
            SAMPLES,
            MAX_SEQ_LENGTH,
            SHUFFLE,
            SEED,
            CONCATENATE,
            LONG_TEXTS,
            SPECIAL_TOKENS,
            GENERATION_PROMPT,
            MAX_BAD_RECORDS,
            MODEL_FILE,
            FEEDBACK,
            RESIDUAL_LENGTH,
            CHUNK_TOKENS,
            MAX_FAILED_SAMPLES);
    private static final Vocabulary FIELD_KEYS = Vocabulary.of("text", "messages", "prompt", "completion");
    private static final String WINDOWS = "windows";
    private static final Vocabulary LONG_TEXTS_WORDS = Vocabulary.of("truncate", WINDOWS);
    private static final String FAKE_QUANTIZE = "fake_quantize";
    private static final Vocabulary FEEDBACKS = Vocabulary.of("none", FAKE_QUANTIZE);
    /** Far above what any model takes, far below where row counts times lengths overflow. */
    private static final int MAX_TOKENS = 1 << 24;

    private static final int MIN_CHUNK = 16;

    private TextKeys() {}

    /** What to do about a key that is unknown where it stands; null if it is none of the words about text. */
    static @Nullable String remedy(String key) {
        return switch (key) {
            case "text_column" -> "write fields: {text: NAME}, under kvscale, for a column of another name";
            case "shuffle_calibration_samples" -> "write shuffle, under kvscale";
            default -> KEYS.contains(key) ? "write it under kvscale" : null;
        };
    }

    /** @throws RecipeException for a value that is wrong, or for two that do not go together */
    static TextSettings read(Section section) {
        TextSettings none = TextSettings.DEFAULT;
        int maxSeqLength = section.wholeNumber(MAX_SEQ_LENGTH, MAX_TOKENS);
        boolean concatenate = section.flag(CONCATENATE);
        String longTexts = section.word(LONG_TEXTS, LONG_TEXTS_WORDS);
        boolean feedback = FAKE_QUANTIZE.equals(section.word(FEEDBACK, FEEDBACKS));
        int residualLength = (int) section.number(RESIDUAL_LENGTH, 0, 0, MAX_TOKENS);
        if (concatenate && maxSeqLength == 0) {
            throw section.error(
                    CONCATENATE,
                    "concatenate_data needs the length to cut the joined texts into",
                    "add max_seq_length: 2048, or less");
        }
        if (concatenate && longTexts != null) {
            throw section.error(
                    LONG_TEXTS,
                    "long_texts says nothing where concatenate_data joins all texts and cuts them",
                    "remove one of the two");
        }
        if (residualLength > 0 && !feedback) {
            throw section.error(
                    RESIDUAL_LENGTH,
                    "residual_length is of use only where later chunks attend to quantized ones",
                    "add feedback: fake_quantize, or remove residual_length");
        }
        return new TextSettings(
                options(section),
                section.wholeNumber(SAMPLES, Integer.MAX_VALUE),
                maxSeqLength,
                section.flag(SHUFFLE, none.shuffle()),
                section.number(SEED, none.seed(), Long.MIN_VALUE, Long.MAX_VALUE),
                concatenate,
                WINDOWS.equals(longTexts),
                section.number(MAX_BAD_RECORDS, 0, 0, Long.MAX_VALUE),
                modelFile(section, none.modelFile()),
                feedback,
                residualLength,
                (int) section.number(CHUNK_TOKENS, none.chunkTokens(), MIN_CHUNK, MAX_TOKENS),
                section.number(MAX_FAILED_SAMPLES, 0, 0, Long.MAX_VALUE));
    }

    private static TextOptions options(Section section) {
        TextOptions none = TextOptions.DEFAULT;
        Section fields = section.section(FIELDS);
        fields.rejectUnknown(FIELD_KEYS);
        return new TextOptions(
                new TextFields(
                        field(fields, "text"),
                        field(fields, "messages"),
                        field(fields, "prompt"),
                        field(fields, "completion")),
                section.flag(SPECIAL_TOKENS, none.plainSpecialTokens()),
                section.flag(SPECIAL_TOKENS, none.chatSpecialTokens()),
                section.flag(GENERATION_PROMPT, none.generationPrompt()));
    }

    private static String field(Section fields, String key) {
        String name = fields.text(key);
        if (name != null && name.isEmpty()) {
            throw fields.error(key, "the name of a field is empty", "name a field of the records, or remove " + key);
        }
        return name == null ? key : name;
    }

    private static String modelFile(Section section, String otherwise) {
        @Nullable String name = section.text(MODEL_FILE);
        if (name == null) {
            return otherwise;
        }
        if (name.isBlank() || name.contains("/") || name.contains("\\") || name.equals(".") || name.equals("..")) {
            throw section.error(
                    MODEL_FILE,
                    "model_file must be the name of a file in the model's folder, got " + Given.shown(name),
                    "give the name alone, as model_file: model_quantized.onnx, and its folder with --model");
        }
        return name;
    }
}
