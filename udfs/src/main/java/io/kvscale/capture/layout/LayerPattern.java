package io.kvscale.capture.layout;

import com.google.re2j.Matcher;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A regular expression whose group {@code layer} captures the layer number in a tensor's name.
 *
 * <p>RE2 syntax; matches anywhere in the name. The group is {@code (?P<layer>...)} or {@code (?<layer>...)}.
 */
public final class LayerPattern implements Serializable {
    private static final long serialVersionUID = 1L;

    private static final String GROUP = "layer";

    private final SafeRegex regex;

    private LayerPattern(SafeRegex regex) {
        this.regex = regex;
    }

    /** @throws InvalidOptionException if it has no group {@code layer}, does not compile or is too large */
    public static LayerPattern compile(String regex) {
        SafeRegex compiled = SafeRegex.compile(regex);
        if (!compiled.hasGroup(GROUP)) {
            throw new InvalidOptionException(
                    "the regular expression '" + DataProblem.shown(regex) + "' has no group named layer",
                    "capture the layer number with (?P<layer>\\d+), as in layers\\.(?P<layer>\\d+)\\.keys");
        }
        return new LayerPattern(compiled);
    }

    /**
     * The layer number in a tensor's name; empty if the pattern does not match.
     *
     * @throws InvalidDataException if the group did not capture a number within 0..{@value Slot#MAX_LAYER}
     */
    OptionalInt layerOf(String tensorName) {
        Matcher matcher = regex.matcher(tensorName);
        if (!matcher.find()) {
            return OptionalInt.empty();
        }
        @Nullable String found = matcher.group(GROUP);
        // A number of more digits, leading zeros apart, is above the maximum.
        int layer = found != null && found.matches("0*\\d{1,4}") ? Integer.parseInt(found) : -1;
        if (layer < 0) {
            String shown = found == null ? "nothing" : "'" + DataProblem.shown(found) + "'";
            throw new InvalidDataException(DataProblem.of(
                            "the layer of this tensor is " + shown + ", not a number within 0.." + Slot.MAX_LAYER,
                            "let group layer of " + DataProblem.shown(regex.toString())
                                    + " capture only the layer number")
                    .inTensor(tensorName));
        }
        return OptionalInt.of(layer);
    }

    /** The number of instructions. */
    int size() {
        return regex.size();
    }

    /** The regular expression. */
    @Override
    public String toString() {
        return regex.toString();
    }
}
