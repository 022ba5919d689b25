package io.kvscale.capture.layout;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.tensor.Geometry;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Everything that a user can say about how captures are read. What is not said comes from the files.
 *
 * @param keyTensors a {@link LayerPattern} for the tensors that hold K; null: the default patterns
 * @param valueTensors the same for V; null with {@code mla}
 * @param layout null: by rank and name
 * @param kvHeads 0: unknown
 * @param headDim 0: unknown
 * @param mask the tensor that marks tokens to read with 1 and padding with 0; null: {@code attention_mask} where one
 *     fits; {@link #NO_MASK}: read every token
 * @param targets regular expressions on layer names, see {@link LayerFilter}; empty: all
 * @param ignore layers to leave out, likewise
 * @param mla one latent tensor a layer, no V
 * @param columns the names of the columns of tables
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
        TableColumns columns)
        implements Serializable {

    /** The word in place of a mask's name that says: none. */
    public static final String NO_MASK = "none";

    private static final int MAX_PATTERNS = 1_000;

    /** @throws InvalidOptionException for a value that cannot be used, with the remedy */
    public CaptureOptions {
        targets = List.copyOf(targets);
        ignore = List.copyOf(ignore);
        if (kvHeads < 0 || headDim < 0 || (long) Math.max(kvHeads, 1) * Math.max(headDim, 1) > Geometry.MAX_CHANNELS) {
            throw new InvalidOptionException(
                    "kv_heads " + kvHeads + " x head_dim " + headDim + " is not within 1.." + Geometry.MAX_CHANNELS,
                    "give the numbers of the model's config.json: num_key_value_heads and head_dim");
        }
        if (mask != null && mask.isBlank()) {
            throw new InvalidOptionException("the name of the mask is empty", "name a tensor, or say mask: none");
        }
        if (mla && valueTensors != null) {
            throw new InvalidOptionException(
                    "mla: true says that there is no V, but value.tensors names it", "remove one of the two");
        }
        if (targets.size() + ignore.size() > MAX_PATTERNS) {
            throw new InvalidOptionException(
                    "targets and ignore hold " + (targets.size() + ignore.size()) + " patterns",
                    "join them with |; " + MAX_PATTERNS + " is the most");
        }
    }

    /** Nothing said: default patterns, layout, mask and layers. */
    public static CaptureOptions defaults() {
        return new CaptureOptions(null, null, null, 0, 0, null, List.of(), List.of(), false, TableColumns.DEFAULT);
    }

    /** The layers to calibrate. @throws InvalidOptionException for a pattern that cannot be used */
    public LayerFilter layerFilter() {
        return new LayerFilter(targets, ignore);
    }
}
