package io.kvscale.job.recipe;

import io.kvscale.tensor.DataProblem;

/** A recipe that is absent or wrong. The message has three lines: what is wrong, where, what to do. */
public final class RecipeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String key;

    private RecipeException(String message, String key) {
        super(message);
        this.key = key;
    }

    /**
     * @param recipe the name of the file
     * @param key the path of the bad key, such as {@code kvscale.layout}; empty for the file itself
     */
    static RecipeException of(String recipe, String key, String what, String remedy) {
        String where = "recipe " + DataProblem.shown(recipe) + (key.isEmpty() ? "" : ", key " + DataProblem.shown(key));
        return new RecipeException(
                DataProblem.of(what, "").message() + "\n  in " + where + "\n  "
                        + DataProblem.of(remedy, "").message(),
                key);
    }

    /** The path of the bad key; empty for the file itself. */
    public String key() {
        return key;
    }
}
