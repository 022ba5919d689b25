package io.kvscale.capture.layout;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.tensor.Geometry;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The options for reading captures, from a recipe or the data source. The files say what the options leave out.
 *
 * @param keyTensors a {@link LayerPattern} for the names of K tensors; null: the default patterns
 * @param valueTensors as {@code keyTensors} for V; null with {@code mla}
 * @param layout null: decided by rank and name
 * @param kvHeads 0: unknown
 * @param headDim 0: unknown
 * @param mask the tensor that marks tokens with 1 and padding with 0; null: {@code attention_mask} if there is one;
 *     {@link #NO_MASK}: read every token
 * @param targets regular expressions on layer names, see {@link LayerFilter}; empty: all layers
 * @param ignore regular expressions for the layers to leave out
 * @param mla whether each layer has one latent tensor and no V
 * @param columns the column names of tables
 * @param model what the model's config.json says; null if it is not known
 * @param queries how queries are read; null: they are not
 */
public record CaptureOptions(
        @Nullable String keyTensors,
        @Nullable String valueTensors,
        @Nullable Layout layout,
        int kvHeads,
        int headDim,
        @Nullable String mask,
        List<String> targets,
        List<String> ignore,
        boolean mla,
        TableColumns columns,
        @Nullable ModelConfig model,
        @Nullable Queries queries)
        implements Serializable {

    /**
     * How queries are read.
     *
     * @param tensors a {@link LayerPattern} for the names of Q tensors; null: the default patterns
     */
    public record Queries(@Nullable String tensors) implements Serializable {}

    /** The value of {@code mask} that means no mask. */
    public static final String NO_MASK = "none";

    private static final int MAX_PATTERNS = 1_000;

    /** @throws InvalidOptionException for an invalid value */
    public CaptureOptions {
        targets = List.copyOf(targets);
        ignore = List.copyOf(ignore);
        if (kvHeads < 0 || headDim < 0 || (long) Math.max(kvHeads, 1) * Math.max(headDim, 1) > Geometry.MAX_CHANNELS) {
            throw new InvalidOptionException(
                    "kv_heads " + kvHeads + " x head_dim " + headDim + " is not within 1.." + Geometry.MAX_CHANNELS,
                    "use num_key_value_heads and head_dim of the model's config.json");
        }
        if (mask != null && mask.isBlank()) {
            throw new InvalidOptionException("mask is empty", "name a tensor, or set mask: none");
        }
        if (mla && valueTensors != null) {
            throw new InvalidOptionException(
                    "mla: true means that there is no V, but value.tensors is set", "remove one of the two");
        }
        if (mla && queries != null) {
            throw new InvalidOptionException(
                    "the model has one latent tensor per layer (MLA), but the recipe asks for queries, which engines"
                            + " scale only with K and V",
                    "remove query under kvscale");
        }
        if (targets.size() + ignore.size() > MAX_PATTERNS) {
            throw new InvalidOptionException(
                    "targets and ignore hold " + (targets.size() + ignore.size()) + " patterns",
                    "join patterns with |; the maximum is " + MAX_PATTERNS);
        }
    }

    /** The options without a model and without queries. */
    public CaptureOptions(
            @Nullable String keyTensors,
            @Nullable String valueTensors,
            @Nullable Layout layout,
            int kvHeads,
            int headDim,
            @Nullable String mask,
            List<String> targets,
            List<String> ignore,
            boolean mla,
            TableColumns columns) {
        this(keyTensors, valueTensors, layout, kvHeads, headDim, mask, targets, ignore, mla, columns, null, null);
    }

    /**
     * These options, with queries.
     *
     * @throws InvalidOptionException with {@code mla}
     */
    public CaptureOptions with(@Nullable Queries read) {
        return new CaptureOptions(
                keyTensors, valueTensors, layout, kvHeads, headDim, mask, targets, ignore, mla, columns, model, read);
    }

    /**
     * These options for a model whose config.json is known.
     *
     * @throws InvalidOptionException if the options contradict it
     */
    public CaptureOptions withModel(ModelConfig config) {
        if (mla && !config.mla()) {
            throw new InvalidOptionException(
                    "mla is true, but the model's config.json has no kv_lora_rank",
                    "remove mla, or give the config.json of the model that was captured");
        }
        return new CaptureOptions(
                keyTensors,
                valueTensors,
                layout,
                kvHeads,
                headDim,
                mask,
                targets,
                ignore,
                config.mla(),
                columns,
                config,
                queries);
    }

    /** Whether the user says that there is no V. What config.json says is compared with the whole corpus instead. */
    boolean deniesValues() {
        return mla && model == null;
    }

    /** The defaults of every option. */
    public static CaptureOptions defaults() {
        return new CaptureOptions(null, null, null, 0, 0, null, List.of(), List.of(), false, TableColumns.DEFAULT);
    }

    /**
     * The layers to calibrate.
     *
     * @throws InvalidOptionException for an invalid pattern
     */
    public LayerFilter layerFilter() {
        return new LayerFilter(targets, ignore);
    }
}
