package io.kvscale.job.recipe;

import io.kvscale.scheme.Given;
import io.kvscale.tensor.DataProblem;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;

/** YAML from someone who is not trusted: no tags that build objects, no bombs, no loops. */
final class RecipeYaml {
    /** A recipe is a page of text. */
    static final int MAX_SIZE = 1 << 20;

    private static final int MAX_DEPTH = 40;
    // Few enough that nested aliases cannot multiply into work worth noticing.
    private static final int MAX_ALIASES = 20;

    private final String source;

    private RecipeYaml(String source) {
        this.source = source;
    }

    /** The mapping at the top. @throws RecipeException if there is none */
    static Map<?, ?> load(String yaml, String source) {
        return new RecipeYaml(source).load(yaml);
    }

    private Map<?, ?> load(String yaml) {
        if (yaml.length() > MAX_SIZE) {
            throw wrong("the recipe has more than " + MAX_SIZE + " characters", "name a recipe, not a data file");
        }
        Object top = parse(yaml);
        if (top == null) {
            throw wrong("the recipe is empty", SchemeFinder.EXAMPLE);
        }
        if (!(top instanceof Map<?, ?> map)) {
            throw wrong("the recipe must be a mapping, got " + Given.shown(top), SchemeFinder.EXAMPLE);
        }
        rejectLoops(map, 0, identitySet(), identitySet());
        return map;
    }

    private @Nullable Object parse(String yaml) {
        LoaderOptions options = new LoaderOptions();
        options.setCodePointLimit(MAX_SIZE);
        options.setNestingDepthLimit(MAX_DEPTH);
        options.setMaxAliasesForCollections(MAX_ALIASES);
        options.setAllowDuplicateKeys(false);
        options.setAllowRecursiveKeys(false);
        options.setWrappedToRootException(true);
        try {
            return new Yaml(new SafeConstructor(options)).load(yaml);
        } catch (MarkedYAMLException e) {
            String place = e.getProblemMark() == null
                    ? ""
                    : " at line " + (e.getProblemMark().getLine() + 1) + ", column "
                            + (e.getProblemMark().getColumn() + 1);
            throw notYaml(e.getProblem() + place);
        } catch (YAMLException e) {
            throw notYaml(e.getMessage());
        } catch (RuntimeException | StackOverflowError e) {
            // SnakeYAML lets some malformed scalars (timestamps, numbers) and looping merge keys through to the JDK.
            throw notYaml(e.getMessage());
        }
    }

    private RecipeException notYaml(@Nullable String why) {
        String reason = why == null ? "malformed value" : DataProblem.shown(why);
        return wrong(
                "the recipe is not YAML that can be read: " + reason,
                "correct it there; plain YAML only, without tags");
    }

    private RecipeException wrong(String what, String remedy) {
        return RecipeException.of(source, "", what, remedy);
    }

    private static Set<Object> identitySet() {
        return Collections.newSetFromMap(new IdentityHashMap<>());
    }

    /** Aliases may share nodes, and then a tree can still be read from it; a node inside itself has no end. */
    private void rejectLoops(@Nullable Object node, int depth, Set<Object> open, Set<Object> done) {
        Collection<?> children =
                node instanceof Map<?, ?> map ? map.values() : node instanceof Collection<?> list ? list : Set.of();
        if (node == null || children.isEmpty() || done.contains(node)) {
            return;
        }
        if (!open.add(node) || depth > 2 * MAX_DEPTH) {
            throw notYaml("a part of it contains itself");
        }
        for (Object child : children) {
            rejectLoops(child, depth + 1, open, done);
        }
        open.remove(node);
        done.add(node);
    }
}
