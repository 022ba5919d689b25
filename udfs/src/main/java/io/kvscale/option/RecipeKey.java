package io.kvscale.option;

import static io.kvscale.option.KeyScope.CAPTURES;
import static io.kvscale.option.KeyScope.FILES;
import static io.kvscale.option.KeyScope.LAYERS;
import static io.kvscale.option.KeyScope.SCALES;
import static io.kvscale.option.KeyScope.TABLES;
import static io.kvscale.option.ValueType.FLAG;
import static io.kvscale.option.ValueType.SCHEME;
import static io.kvscale.option.ValueType.TEXT;
import static io.kvscale.option.ValueType.TEXTS;
import static io.kvscale.option.ValueType.counts;
import static io.kvscale.option.ValueType.decimal;
import static io.kvscale.option.ValueType.number;
import static io.kvscale.option.ValueType.wordList;
import static io.kvscale.option.ValueType.words;

import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.Vocabulary;
import io.kvscale.tensor.Geometry;
import java.util.Arrays;
import java.util.Locale;

/**
 * The keys under {@code kvscale:} in a recipe. Recipes, the options of the {@code kvtensors} data source, their error
 * messages and the reference in conf/README.md all use this table.
 */
public enum RecipeKey {
    KEY_TENSORS("key", FILES, TEXT, "the known names", "Regular expression for the names of K tensors."),
    KEY_SCHEME("key", SCALES, SCHEME, "empty", "Keys of `kv_cache_scheme` that differ for K."),
    VALUE_TENSORS("value", FILES, TEXT, "the known names", "Regular expression for the names of V tensors."),
    VALUE_SCHEME("value", SCALES, SCHEME, "empty", "Keys of `kv_cache_scheme` that differ for V."),
    QUERY_TENSORS("query", FILES, TEXT, "the known names", "Regular expression for the names of Q tensors."),
    QUERY_SCHEME(
            "query",
            SCALES,
            SCHEME,
            "no queries",
            "Keys of `kv_cache_scheme` that differ for Q; `{}` for none. `query` asks for `q_scale`."),
    LAYOUT(CAPTURES, words("BHSD", "BSHD", "HSD", "SHD", "2THD"), "by rank and name", "Order of the axes of a tensor."),
    KV_HEADS(CAPTURES, number(1, Geometry.MAX_CHANNELS), "from the shape", "Number of KV heads, for merged axes."),
    HEAD_DIM(CAPTURES, number(1, Geometry.MAX_CHANNELS), "from the shape", "Size of a head, for merged axes."),
    MASK(FILES, TEXT, "attention_mask, if it fits", "Tensor [B,S] of 0 (padding) and 1; `none` reads all tokens."),
    MODEL_CONFIG(
            CAPTURES,
            TEXT,
            "not known",
            "The model's config.json, or a folder with one; replaces `kv_heads` and `head_dim`."),
    TARGETS(LAYERS, TEXTS, "all layers", "Regular expressions for the layers to calibrate."),
    IGNORE(LAYERS, TEXTS, "no layers", "Regular expressions for layers to leave out, even if they are targets."),
    MLA(CAPTURES, FLAG, "false", "Each layer has one latent tensor and no V (multi-head latent attention)."),
    COLUMNS_SAMPLE("columns", TABLES, TEXT, "sample", "Column with the name of the sample."),
    COLUMNS_LAYER("columns", TABLES, TEXT, "layer", "Column with the layer number."),
    COLUMNS_ROLE("columns", TABLES, TEXT, "role", "Column with the role: key or value."),
    COLUMNS_SHAPE("columns", TABLES, TEXT, "shape", "Column with the shape of `data`."),
    COLUMNS_HEADS("columns", TABLES, TEXT, "heads", "Column with the number of KV heads, if there is no shape."),
    COLUMNS_HEAD_DIM("columns", TABLES, TEXT, "head_dim", "Column with the size of a head, if there is no shape."),
    COLUMNS_DTYPE("columns", TABLES, TEXT, "dtype", "Column with the element type: F32, BF16 or F16."),
    COLUMNS_DATA("columns", TABLES, TEXT, "data", "Column with the values, row-major."),
    STATISTICS(
            KeyScope.STATISTICS,
            wordList("range", "histogram", "pairs"),
            "as the observer needs",
            "What to keep of the values."),
    SCALE_DTYPE(SCALES, words("float32", "input"), "float32", "Type in which scales are computed."),
    GLOBAL_SCALE(
            SCALES,
            words(GlobalScale.words().toArray(String[]::new)),
            GlobalScale.byDefault().word(),
            "Convention for the global scale of NVFP4."),
    OVERRIDES_LAYERS("overrides", SCALES, TEXTS, "required", "Regular expressions for the layers of an override."),
    OVERRIDES_ROLE("overrides", SCALES, words("key", "value", "both"), "both", "Roles that an override changes."),
    OVERRIDES_SCHEME("overrides", SCALES, SCHEME, "required", "Keys of `kv_cache_scheme` that differ there."),
    HYBRID(SCALES, FLAG, "false", "Layers may be missing because they have no KV cache."),
    ALLOW_ZERO(SCALES, FLAG, "false", "A slot with only zeros gets the smallest scale instead of an error."),
    ON_NONFINITE(SCALES, words("fail", "skip"), "fail", "What to do about NaN and infinite values."),
    MAX_SATURATED(SCALES, decimal(0, 100), "1", "Share of a slot's values that scales may clip at a loss, in percent."),
    KEYS_ROPE(
            "keys",
            SCALES,
            words("after_rope", "before_rope"),
            "after_rope",
            "Where K was captured; only for notices and warnings."),
    KEYS_ENVELOPE("keys", SCALES, FLAG, "false", "Ranges of K that hold at every position."),
    KEYS_PAIRING(
            "keys",
            KeyScope.STATISTICS,
            words("half", "interleaved"),
            "from config.json",
            "Which channels of K RoPE turns together."),
    KEYS_ROTARY_DIM(
            "keys",
            KeyScope.STATISTICS,
            number(2, Geometry.MAX_CHANNELS),
            "from config.json",
            "Number of channels that RoPE turns."),
    NUM_CALIBRATION_SAMPLES(number(1, Integer.MAX_VALUE), "all", "Number of samples to use."),
    SAMPLE_BY(TEXT, "no strata", "Field by which texts are chosen, as in `samples_per_stratum`."),
    SAMPLES_PER_STRATUM(
            counts(Integer.MAX_VALUE), "required", "With `sample_by`: number of texts with each value of its field."),
    STATISTICS_BY(TEXT, "no strata", "Field by which statistics are also kept apart: one file for each value."),
    MAX_SEQ_LENGTH(number(1, RecipeKey.MAX_TOKENS), "the model's limit", "Maximum number of tokens in a sequence."),
    SHUFFLE(FLAG, "true", "Choose samples by a hash of content and seed; false: the first ones by name."),
    SEED(number(Long.MIN_VALUE, Long.MAX_VALUE), "42", "Seed of that hash."),
    CONCATENATE_DATA(FLAG, "false", "Pack texts into sequences of `max_seq_length`; samples counts sequences."),
    LONG_TEXTS(words("truncate", "windows"), "truncate", "What to do with texts longer than `max_seq_length`."),
    FIELDS_TEXT("fields", "text", "Field with a plain text."),
    FIELDS_MESSAGES("fields", "messages", "Field with the messages of a chat."),
    FIELDS_PROMPT("fields", "prompt", "Field with a prompt, followed by the completion."),
    FIELDS_COMPLETION("fields", "completion", "Field with the completion of a prompt."),
    ADD_SPECIAL_TOKENS(FLAG, "true for plain texts, false for chats", "Let the tokenizer add special tokens."),
    GENERATION_PROMPT(FLAG, "false", "End chats with the start of the assistant's turn."),
    MAX_BAD_RECORDS(number(0, Long.MAX_VALUE), "0", "Number of unreadable records that are left out; more fail."),
    MAX_FAILED_SAMPLES(number(0, Long.MAX_VALUE), "0", "Number of samples on which the model may fail."),
    MODEL_FILE(TEXT, "model.onnx", "Name of the ONNX file in the model folder."),
    FEEDBACK(words("none", "fake_quantize"), "none", "`fake_quantize`: later chunks attend to quantized K and V."),
    RESIDUAL_LENGTH(number(0, RecipeKey.MAX_TOKENS), "0", "With feedback: newest tokens that stay unquantized."),
    CHUNK_TOKENS(number(16, RecipeKey.MAX_TOKENS), "512", "Maximum number of tokens per model run.");

    /** Far above the limit of any model, and low enough that rows times lengths fit in a long. */
    private static final int MAX_TOKENS = 1 << 24;

    private final String parent;
    private final KeyScope scope;
    private final ValueType type;
    private final String byDefault;
    private final String sentence;

    RecipeKey(String parent, KeyScope scope, ValueType type, String byDefault, String sentence) {
        this.parent = parent;
        this.scope = scope;
        this.type = type;
        this.byDefault = byDefault;
        this.sentence = sentence;
    }

    RecipeKey(KeyScope scope, ValueType type, String byDefault, String sentence) {
        this("", scope, type, byDefault, sentence);
    }

    RecipeKey(ValueType type, String byDefault, String sentence) {
        this("", KeyScope.TEXT, type, byDefault, sentence);
    }

    RecipeKey(String parent, String byDefault, String sentence) {
        this(parent, KeyScope.TEXT, TEXT, byDefault, sentence);
    }

    /** The mapping that holds the key, as {@code columns}; empty for a key directly under {@code kvscale:}. */
    public String parent() {
        return parent;
    }

    /** The key without its parent. */
    public String leaf() {
        return name().substring(parent.isEmpty() ? 0 : parent.length() + 1).toLowerCase(Locale.ROOT);
    }

    /** The key with its parent, as {@code columns.data}. */
    public String path() {
        return parent.isEmpty() ? leaf() : parent + "." + leaf();
    }

    public KeyScope scope() {
        return scope;
    }

    public ValueType type() {
        return type;
    }

    /** The default, or a description of it. */
    public String byDefault() {
        return byDefault;
    }

    /** What the key does, in one sentence of Markdown. */
    public String sentence() {
        return sentence;
    }

    /** The keys that a mapping may hold; an empty parent means {@code kvscale:} itself. */
    public static Vocabulary under(String parent) {
        return Vocabulary.of(Arrays.stream(values())
                .filter(key -> parent.isEmpty() || key.parent.equals(parent))
                .map(key -> parent.isEmpty() && !key.parent.isEmpty() ? key.parent : key.leaf()));
    }
}
