package io.kvscale.scheme;

import io.kvscale.tensor.DataProblem;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.ConstructorException;
import org.yaml.snakeyaml.constructor.DuplicateKeyException;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.reader.ReaderException;

/** Parses untrusted YAML or JSON: no tags that build objects, no alias bombs, no loops. */
public final class PlainYaml {
    /** Maximum number of characters. */
    public static final int MAX_SIZE = 1 << 20;

    private static final int MAX_DEPTH = 40;
    // Nested aliases multiply; this few cannot take noticeable time.
    private static final int MAX_ALIASES = 20;

    private static final String STANDARD_TAGS = "tag:yaml.org,2002:";
    private static final Pattern TAG =
            Pattern.compile("(?:could not determine a constructor for the tag|Global tag is not allowed:) (\\S+)");

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
        if (yaml.length() > MAX_SIZE) {
            throw new MalformedException("more than " + MAX_SIZE + " characters");
        }
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
            throw new MalformedException(what(e) + place);
        } catch (ReaderException e) {
            throw new MalformedException(String.format(
                    Locale.ROOT,
                    "the character U+%04X, number %d of the text, is not allowed",
                    e.getCodePoint(),
                    e.getPosition() + 1));
        } catch (YAMLException e) {
            // SnakeYAML throws this class itself only for the limits above.
            boolean deep = String.valueOf(e.getMessage()).startsWith("Nesting Depth");
            throw new MalformedException(
                    deep
                            ? "nested more than " + MAX_DEPTH + " deep"
                            : "more than " + MAX_ALIASES + " aliases of lists and mappings");
        } catch (RuntimeException | StackOverflowError e) {
            // SnakeYAML does not wrap the errors of some malformed timestamps, numbers and merge keys.
            throw new MalformedException(null);
        }
        rejectLoops(top, 0, identitySet(), identitySet());
        return top;
    }

    /** SnakeYAML's words about the text are plain; those about tags and values name its classes. */
    private static String what(MarkedYAMLException e) {
        String said = String.valueOf(e.getProblem());
        Matcher tag = TAG.matcher(said);
        if (tag.lookingAt()) {
            return "the tag " + tag.group(1).replace(STANDARD_TAGS, "!!") + " is not supported";
        }
        boolean plain = !(e instanceof ConstructorException) || e instanceof DuplicateKeyException;
        return plain ? said.replace(STANDARD_TAGS, "!!") : "malformed value";
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
