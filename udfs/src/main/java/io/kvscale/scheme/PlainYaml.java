package io.kvscale.scheme;

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

/** YAML, and with it JSON, from someone who is not trusted: no tags that build objects, no bombs, no loops. */
public final class PlainYaml {
    /** The most characters that are read: a recipe is a page of text. */
    public static final int MAX_SIZE = 1 << 20;

    private static final int MAX_DEPTH = 40;
    // Few enough that nested aliases cannot multiply into work worth noticing.
    private static final int MAX_ALIASES = 20;

    private PlainYaml() {}

    /** Text that is no plain YAML; the message says why, in one line. */
    public static final class MalformedException extends IllegalArgumentException {
        private static final long serialVersionUID = 1L;

        private MalformedException(@Nullable String why) {
            super(why == null ? "malformed value" : DataProblem.shown(why));
        }
    }

    /**
     * The one document of a text: mappings, lists, text, numbers, booleans; null if it is empty.
     *
     * @throws MalformedException if it cannot be read
     */
    public static @Nullable Object load(String yaml) {
        LoaderOptions options = new LoaderOptions();
        options.setCodePointLimit(MAX_SIZE);
        options.setNestingDepthLimit(MAX_DEPTH);
        options.setMaxAliasesForCollections(MAX_ALIASES);
        options.setAllowDuplicateKeys(false);
        options.setAllowRecursiveKeys(false);
        options.setWrappedToRootException(true);
        Object top;
        try {
            top = new Yaml(new SafeConstructor(options)).load(yaml);
        } catch (MarkedYAMLException e) {
            String place = e.getProblemMark() == null
                    ? ""
                    : " at line " + (e.getProblemMark().getLine() + 1) + ", column "
                            + (e.getProblemMark().getColumn() + 1);
            throw new MalformedException(e.getProblem() + place);
        } catch (YAMLException e) {
            throw new MalformedException(e.getMessage());
        } catch (RuntimeException | StackOverflowError e) {
            // SnakeYAML lets some malformed scalars (timestamps, numbers) and looping merge keys through to the JDK.
            throw new MalformedException(e.getMessage());
        }
        rejectLoops(top, 0, identitySet(), identitySet());
        return top;
    }

    private static Set<Object> identitySet() {
        return Collections.newSetFromMap(new IdentityHashMap<>());
    }

    /** Aliases may share nodes, and then a tree can still be read from it; a node inside itself has no end. */
    private static void rejectLoops(@Nullable Object node, int depth, Set<Object> open, Set<Object> done) {
        Collection<?> children =
                node instanceof Map<?, ?> map ? map.values() : node instanceof Collection<?> list ? list : Set.of();
        if (node == null || children.isEmpty() || done.contains(node)) {
            return;
        }
        if (!open.add(node) || depth > 2 * MAX_DEPTH) {
            throw new MalformedException("a part of it contains itself");
        }
        for (Object child : children) {
            rejectLoops(child, depth + 1, open, done);
        }
        open.remove(node);
        done.add(node);
    }
}
