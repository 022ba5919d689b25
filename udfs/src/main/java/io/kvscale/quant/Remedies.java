package io.kvscale.quant;

/**
 * Remedies for slots that cannot have scales. Recipes and SQL word them differently.
 *
 * @param nonFinite for NaN or infinite values
 * @param zero for zeros only
 * @param partial for counts that show missing values
 * @param clipped for scales that clip too many values
 */
public record Remedies(String nonFinite, String zero, String partial, String clipped) {
    /** The remedies of a recipe. */
    static final Remedies RECIPE = new Remedies(
            "find out why the model produced them, or say on_nonfinite: skip under kvscale in the recipe",
            "check how K and V were captured, or the model that computed them, or say allow_zero: true under kvscale in"
                    + " the recipe",
            "calibrate again; these statistics cover only a part of the corpus",
            "take observer static_minmax, which clips no values, or mse without kwargs, or allow more with max_saturated under kvscale in"
                    + " the recipe");

    /** These remedies for an NVFP4 slot, where allow_zero does not apply. */
    Remedies forNvfp4() {
        return new Remedies(nonFinite, Nvfp4.ZERO, partial, clipped);
    }
}
