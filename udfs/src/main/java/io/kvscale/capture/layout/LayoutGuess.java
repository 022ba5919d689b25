package io.kvscale.capture.layout;

import io.kvscale.model.config.ModelConfig;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The likely mistake behind a tensor whose shape contradicts the stated KV heads or head_dim. */
record LayoutGuess(
        List<Long> shape,
        StatedHeads stated,
        TensorNames.Part part,
        @Nullable ModelConfig model) {
    /**
     * The remedy.
     *
     * @param heads as the shape was read
     * @param headDim as the shape was read
     */
    String remedy(long heads, long headDim) {
        for (Layout layout : Layout.values()) {
            Layout.Axes axes = (layout == Layout.THD2) == (part == TensorNames.Part.BOTH) ? layout.axes(shape) : null;
            if (axes != null && fits(axes)) {
                return "this looks like " + layout.described() + ". If all files do, set layout: " + layout.word()
                        + " under kvscale in the recipe; if only this one does, capture it again, or leave it out";
            }
        }
        if (model != null
                && part != TensorNames.Part.QUERY
                && heads * headDim == (long) model.queryHeads() * stated.headDim()) {
            return "this looks like K and V repeated to the " + model.queryHeads()
                    + " query heads: capture them before repeat_kv, as the cache holds them";
        }
        if (model != null && model.mla()) {
            return "engines cache the latent tensor of this model, " + stated.headDim()
                    + " values a token: capture that, not the K and V that are computed from it";
        }
        return model != null
                ? "give the config.json of the model that was captured, or correct layout under kvscale in the recipe"
                : "correct layout, kv_heads or head_dim under kvscale in the recipe";
    }

    private boolean fits(Layout.Axes axes) {
        if (stated.heads() == 0 || stated.headDim() == 0) {
            return false;
        }
        return axes.heads() == 0
                ? axes.width() == (long) stated.heads() * stated.headDim()
                : axes.heads() == stated.heads() && axes.width() == stated.headDim();
    }
}
