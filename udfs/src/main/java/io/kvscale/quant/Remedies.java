package io.kvscale.quant;

/**
 * Remedies for slots that cannot have scales. Recipes and SQL word them differently.
 *
 * @param nonFinite for NaN or infinite values
 * @param zero for zeros only
 * @param partial for counts that show missing values
 */
public record Remedies(String nonFinite, String zero, String partial) {
    /** The remedies of a recipe. */
    static final Remedies RECIPE = new Remedies(
            "find out why the model produced them, or say on_nonfinite: skip under kvscale in the recipe",
            "check how K and V were captured, or the model that computed them, or say allow_zero: true under kvscale in"
                    + " the recipe",
            "calibrate again; these statistics cover only a part of the corpus");

    /** These remedies for an NVFP4 slot, where allow_zero does not apply. */
    Remedies forNvfp4() {
        return new Remedies(nonFinite, Nvfp4.ZERO, partial);
    }
}
