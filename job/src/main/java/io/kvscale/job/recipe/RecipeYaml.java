package io.kvscale.job.recipe;

import io.kvscale.scheme.Given;
import io.kvscale.scheme.PlainYaml;
import java.util.Map;

/** The mapping that a recipe's text stands for. */
final class RecipeYaml {
    /** A recipe is a page of text. */
    static final int MAX_SIZE = PlainYaml.MAX_SIZE;

    private RecipeYaml() {}

    /** The mapping at the top. @throws RecipeException if there is none */
    static Map<?, ?> load(String yaml, String source) {
        if (yaml.length() > MAX_SIZE) {
            throw RecipeException.of(
                    source,
                    "",
                    "the recipe has more than " + MAX_SIZE + " characters",
                    "name a recipe, not a data file");
        }
        Object top;
        try {
            top = PlainYaml.load(yaml);
        } catch (PlainYaml.MalformedException e) {
            throw RecipeException.of(
                    source,
                    "",
                    "the recipe is not YAML that can be read: " + e.getMessage(),
                    "correct it there; plain YAML only, without tags");
        }
        if (top == null) {
            throw RecipeException.of(source, "", "the recipe is empty", SchemeFinder.EXAMPLE);
        }
        if (!(top instanceof Map<?, ?> map)) {
            throw RecipeException.of(
                    source, "", "the recipe must be a mapping, got " + Given.shown(top), SchemeFinder.EXAMPLE);
        }
        return map;
    }
}
