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
 * A regular expression that finds the layer number in a tensor's name: its group {@code layer}.
 *
 * <p>RE2 syntax, found anywhere in the name; the group may be written {@code (?P<layer>...)} or {@code (?<layer>...)}.
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
                    "mark the layer number with (?P<layer>\\d+), as in layers\\.(?P<layer>\\d+)\\.keys");
        }
        return new LayerPattern(compiled);
    }

    /**
     * The layer that a tensor's name says; empty where the pattern is not found in it.
     *
     * @throws InvalidDataException if what the group found is not a number within 0..{@value Slot#MAX_LAYER}
     */
    public OptionalInt layerOf(String tensorName) {
        Matcher matcher = regex.matcher(tensorName);
        if (!matcher.find()) {
            return OptionalInt.empty();
        }
        @Nullable String found = matcher.group(GROUP);
        int layer = number(found);
        if (layer < 0) {
            String shown = found == null ? "nothing" : "'" + DataProblem.shown(found) + "'";
            throw new InvalidDataException(DataProblem.of(
                            "the layer of this tensor is " + shown + ", not a number within 0.." + Slot.MAX_LAYER,
                            "let group layer of " + DataProblem.shown(regex.toString()) + " find the layer number only")
                    .inTensor(tensorName));
        }
        return OptionalInt.of(layer);
    }

    /** The number within 0..MAX_LAYER that ASCII digits stand for, or -1. */
    private static int number(@Nullable String digits) {
        if (digits == null || digits.isEmpty()) {
            return -1;
        }
        int number = 0;
        for (int i = 0; i < digits.length(); i++) {
            char c = digits.charAt(i);
            number = number * 10 + (c - '0');
            if (c < '0' || c > '9' || number > Slot.MAX_LAYER) {
                return -1;
            }
        }
        return number;
    }

    /** The regular expression, as given. */
    @Override
    public String toString() {
        return regex.toString();
    }
}
