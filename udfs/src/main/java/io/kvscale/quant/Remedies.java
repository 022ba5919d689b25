package io.kvscale.quant;

/**
 * What to do about a slot that cannot have scales, in the words of whoever is asked for them.
 *
 * @param nonFinite where NaN or infinities were seen
 * @param zero where all values are zero
 * @param partial where the counts show that values are missing
 */
public record Remedies(String nonFinite, String zero, String partial) {
    /** In the words of recipes. */
    static final Remedies OF_RECIPES = new Remedies(
            "find out why the model produced them, or say on_nonfinite: skip under kvscale in the recipe",
            "check how K and V were captured, or the model that computed them, or say allow_zero: true under kvscale in"
                    + " the recipe",
            "calibrate again; these statistics are of a part of a corpus");

    /** These, where the slot is NVFP4: zeros have no global scale that could be replaced. */
    Remedies ofNvfp4() {
        return new Remedies(nonFinite, Nvfp4.ZERO, partial);
    }
}
