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

/** Parses untrusted YAML or JSON: no tags that build objects, no alias bombs, no loops. */
public final class PlainYaml {
    /** Maximum number of characters. */
    public static final int MAX_SIZE = 1 << 20;

    private static final int MAX_DEPTH = 40;
    // Nested aliases multiply; this few cannot take noticeable time.
    private static final int MAX_ALIASES = 20;

    private PlainYaml() {}

    /** Malformed or unsupported YAML; the message is one line. */
    public static final class MalformedException extends IllegalArgumentException {
        private static final long serialVersionUID = 1L;

        private MalformedException(@Nullable String why) {
            super(why == null ? "malformed value" : DataProblem.shown(why));
        }
    }

    /**
     * Parses one document into mappings, lists, text, numbers and booleans; null if it is empty.
     *
     * @throws MalformedException if it is not valid YAML, too large, too deep or contains itself
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
            // SnakeYAML does not wrap the errors of some malformed timestamps, numbers and merge keys.
            throw new MalformedException(null);
        }
        rejectLoops(top, 0, identitySet(), identitySet());
        return top;
    }

    private static Set<Object> identitySet() {
        return Collections.newSetFromMap(new IdentityHashMap<>());
    }

    /** Shared nodes are valid; a node that contains itself is not. */
    private static void rejectLoops(@Nullable Object node, int depth, Set<Object> open, Set<Object> done) {
        Collection<?> children =
                node instanceof Map<?, ?> map ? map.values() : node instanceof Collection<?> list ? list : Set.of();
        if (node == null || children.isEmpty() || done.contains(node)) {
            return;
        }
        if (!open.add(node) || depth > 2 * MAX_DEPTH) {
            throw new MalformedException("an alias contains itself");
        }
        for (Object child : children) {
            rejectLoops(child, depth + 1, open, done);
        }
        open.remove(node);
        done.add(node);
    }
}
