package io.kvscale.capture.layout;

import io.kvscale.input.InvalidOptionException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * Which layers are calibrated: regular expressions found in the layer's canonical name,
 * {@code model.layers.N.self_attn}.
 *
 * <p>A leading {@code re:}, as llm-compressor writes it, is dropped. A pattern is found anywhere in the name, so
 * {@code layers\.1} finds layer 10 too; {@code layers\.1\.} does not.
 */
public final class LayerFilter implements Serializable {
    private static final long serialVersionUID = 1L;

    private static final String REGEX_MARK = "re:";

    // ArrayList: the lists of List.of() do not pass through every serializer that Spark may be told to use.
    private final ArrayList<SafeRegex> targets;
    private final ArrayList<SafeRegex> ignore;

    /**
     * @param targets the layers to calibrate; empty: all
     * @param ignore those of them to leave out
     * @throws InvalidOptionException for a regular expression that cannot be used
     */
    public LayerFilter(List<String> targets, List<String> ignore) {
        this.targets = compile(targets);
        this.ignore = compile(ignore);
    }

    private static ArrayList<SafeRegex> compile(List<String> patterns) {
        ArrayList<SafeRegex> compiled = new ArrayList<>();
        for (String pattern : patterns) {
            compiled.add(SafeRegex.compile(
                    pattern.startsWith(REGEX_MARK) ? pattern.substring(REGEX_MARK.length()) : pattern));
        }
        return compiled;
    }

    public boolean includes(int layer) {
        String name = "model.layers." + layer + ".self_attn";
        return (targets.isEmpty() || anyFinds(targets, name)) && !anyFinds(ignore, name);
    }

    private static boolean anyFinds(List<SafeRegex> patterns, String name) {
        return patterns.stream().anyMatch(pattern -> pattern.find(name));
    }
}
