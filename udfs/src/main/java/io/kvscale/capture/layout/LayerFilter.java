package io.kvscale.capture.layout;

import io.kvscale.input.InvalidOptionException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Selects the layers to calibrate with regular expressions on the layer's canonical name,
 * {@code model.layers.N.self_attn}.
 *
 * <p>A pattern may match anywhere in the name: {@code layers\.1} also matches layer 10, {@code layers\.1\.} does not. A
 * leading {@code re:}, as llm-compressor writes it, is dropped.
 */
public final class LayerFilter implements Serializable {
    private static final long serialVersionUID = 1L;

    // ArrayList, because Kryo, which Spark may be configured to use, cannot serialize the lists of List.of().
    private final ArrayList<SafeRegex> targets;
    private final ArrayList<SafeRegex> ignore;

    /**
     * @param targets patterns of layers to calibrate; empty: all
     * @param ignore patterns of layers to leave out
     * @throws InvalidOptionException for an invalid regular expression
     */
    public LayerFilter(List<String> targets, List<String> ignore) {
        this.targets = compile(targets);
        this.ignore = compile(ignore);
    }

    private static ArrayList<SafeRegex> compile(List<String> patterns) {
        return patterns.stream()
                .map(pattern -> SafeRegex.compile(pattern.replaceFirst("^re:", "")))
                .collect(Collectors.toCollection(ArrayList::new));
    }

    public boolean includes(int layer) {
        String name = "model.layers." + layer + ".self_attn";
        return (targets.isEmpty() || anyMatches(targets, name)) && !anyMatches(ignore, name);
    }

    private static boolean anyMatches(List<SafeRegex> patterns, String name) {
        return patterns.stream().anyMatch(pattern -> pattern.find(name));
    }
}
