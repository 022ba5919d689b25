package io.kvscale.capture.layout;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Selects the layers to calibrate with regular expressions on the layer's canonical name,
 * {@code model.layers.N.self_attn}.
 *
 * <p>A pattern may match anywhere in the name: {@code layers\.1} also matches layer 10, {@code layers\.1\.} does not. A
 * leading {@code re:}, as llm-compressor writes it, is dropped.
 */
public final class LayerFilter implements Serializable {
    private static final long serialVersionUID = 1L;

    /** Maximum {@link #size}; matching the names of 10,000 layers then takes 12 seconds at worst, usually one. */
    public static final int MAX_SIZE = 5_000;

    private static final byte INCLUDED = 1;
    private static final byte EXCLUDED = 2;

    // ArrayList, because Kryo, which Spark may be configured to use, cannot serialize the lists of List.of().
    private final ArrayList<SafeRegex> targets;
    private final ArrayList<SafeRegex> ignore;

    /** Known answers by layer, because files may hold thousands of tensors of a layer. */
    private transient byte @Nullable [] known;

    /**
     * @param targets patterns of layers to calibrate; empty: all
     * @param ignore patterns of layers to leave out
     * @throws InvalidOptionException for an invalid regular expression, or if all together exceed {@link #MAX_SIZE}
     */
    public LayerFilter(List<String> targets, List<String> ignore) {
        this.targets = compile(targets, 0);
        this.ignore = compile(ignore, size(this.targets));
    }

    private static ArrayList<SafeRegex> compile(List<String> patterns, int before) {
        ArrayList<SafeRegex> compiled = new ArrayList<>();
        int size = before;
        for (String pattern : patterns) {
            SafeRegex regex = SafeRegex.compile(pattern.replaceFirst("^re:", ""));
            size += regex.size();
            checkSize(size);
            compiled.add(regex);
        }
        return compiled;
    }

    /**
     * Checks the sizes of several filters together.
     *
     * @return {@code size}
     * @throws InvalidOptionException if it exceeds {@link #MAX_SIZE}
     */
    public static int checkSize(int size) {
        if (size > MAX_SIZE) {
            throw new InvalidOptionException(
                    "the regular expressions compile to more than " + MAX_SIZE + " instructions together",
                    "name all layers of one kind in one expression, as in layers\\.(0|1|31)\\.");
        }
        return size;
    }

    private static int size(List<SafeRegex> patterns) {
        return patterns.stream().mapToInt(SafeRegex::size).sum();
    }

    /** Compiled instructions of all patterns: a measure of the time to match a name. */
    public int size() {
        return size(targets) + size(ignore);
    }

    public boolean includes(int layer) {
        byte[] answers = known;
        if (answers == null) {
            answers = new byte[Slot.MAX_LAYER + 1];
            known = answers;
        }
        if (answers[layer] == 0) {
            answers[layer] = matches(layer) ? INCLUDED : EXCLUDED;
        }
        return answers[layer] == INCLUDED;
    }

    private boolean matches(int layer) {
        String name = "model.layers." + layer + ".self_attn";
        return (targets.isEmpty() || anyMatches(targets, name)) && !anyMatches(ignore, name);
    }

    private static boolean anyMatches(List<SafeRegex> patterns, String name) {
        return patterns.stream().anyMatch(pattern -> pattern.find(name));
    }
}
