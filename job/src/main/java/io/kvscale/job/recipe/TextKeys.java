package io.kvscale.job.recipe;

import io.kvscale.option.KeyValues;
import io.kvscale.option.RecipeKey;
import io.kvscale.scheme.Given;
import io.kvscale.text.TextFields;
import io.kvscale.text.TextOptions;

/** The keys about text, named like llm-compressor's dataset arguments where it has them. */
final class TextKeys {
    private TextKeys() {}

    /** @throws RuntimeException {@link KeyValues#error} for a bad value, or for keys that contradict each other */
    static TextSettings read(KeyValues values) {
        TextSettings byDefault = TextSettings.DEFAULT;
        int maxSeqLength = (int) values.number(RecipeKey.MAX_SEQ_LENGTH, byDefault.maxSeqLength());
        boolean concatenate = values.flag(RecipeKey.CONCATENATE_DATA, byDefault.concatenate());
        String longTexts = values.word(RecipeKey.LONG_TEXTS);
        boolean feedback = "fake_quantize".equals(values.word(RecipeKey.FEEDBACK));
        int residualLength = (int) values.number(RecipeKey.RESIDUAL_LENGTH, byDefault.residualLength());
        if (concatenate && maxSeqLength == 0) {
            throw values.error(
                    RecipeKey.CONCATENATE_DATA,
                    "concatenate_data needs the length of the packed sequences",
                    "add max_seq_length, for example max_seq_length: 2048");
        }
        if (concatenate) {
            StratumKeys.refuse(
                    values,
                    RecipeKey.CONCATENATE_DATA,
                    "needs each text in a sequence of its own, but concatenate_data packs texts of several strata into one");
        }
        if (concatenate && longTexts != null) {
            throw values.error(
                    RecipeKey.LONG_TEXTS,
                    "long_texts has no effect with concatenate_data, which packs all texts into sequences",
                    "remove one of the two keys");
        }
        if (residualLength > 0 && !feedback) {
            throw values.error(
                    RecipeKey.RESIDUAL_LENGTH,
                    "residual_length has no effect unless later chunks attend to quantized K and V",
                    "add feedback: fake_quantize, or remove residual_length");
        }
        return new TextSettings(
                options(values),
                (int) values.number(RecipeKey.NUM_CALIBRATION_SAMPLES, byDefault.samples()),
                maxSeqLength,
                values.flag(RecipeKey.SHUFFLE, byDefault.shuffle()),
                values.number(RecipeKey.SEED, byDefault.seed()),
                concatenate,
                "windows".equals(longTexts),
                values.number(RecipeKey.MAX_BAD_RECORDS, byDefault.maxBadRecords()),
                modelFile(values),
                feedback,
                residualLength,
                (int) values.number(RecipeKey.CHUNK_TOKENS, byDefault.chunkTokens()),
                values.number(RecipeKey.MAX_FAILED_SAMPLES, byDefault.maxFailedSamples()),
                StratumKeys.quota(values));
    }

    private static TextOptions options(KeyValues values) {
        TextOptions byDefault = TextOptions.DEFAULT;
        return new TextOptions(
                new TextFields(
                        field(values, RecipeKey.FIELDS_TEXT),
                        field(values, RecipeKey.FIELDS_MESSAGES),
                        field(values, RecipeKey.FIELDS_PROMPT),
                        field(values, RecipeKey.FIELDS_COMPLETION),
                        StratumKeys.field(values, RecipeKey.SAMPLE_BY),
                        StratumKeys.field(values, RecipeKey.STATISTICS_BY)),
                values.flag(RecipeKey.ADD_SPECIAL_TOKENS, byDefault.plainSpecialTokens()),
                values.flag(RecipeKey.ADD_SPECIAL_TOKENS, byDefault.chatSpecialTokens()),
                values.flag(RecipeKey.GENERATION_PROMPT, byDefault.generationPrompt()));
    }

    private static String field(KeyValues values, RecipeKey key) {
        String name = values.text(key);
        if (name != null && name.isEmpty()) {
            throw values.error(
                    key, "the name of a field is empty", "name a field of the records, or remove " + key.leaf());
        }
        return name == null ? key.byDefault() : name;
    }

    private static String modelFile(KeyValues values) {
        String name = values.text(RecipeKey.MODEL_FILE);
        if (name == null) {
            return TextSettings.DEFAULT.modelFile();
        }
        if (name.isBlank() || name.contains("/") || name.contains("\\") || name.equals(".") || name.equals("..")) {
            throw values.error(
                    RecipeKey.MODEL_FILE,
                    "model_file must be the name of a file in the model folder, got " + Given.shown(name),
                    "write only the file name, for example model_file: model_quantized.onnx; --model names the folder");
        }
        return name;
    }
}
