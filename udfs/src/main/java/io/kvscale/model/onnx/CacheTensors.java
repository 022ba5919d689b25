package io.kvscale.model.onnx;

import io.kvscale.model.onnx.nodes.QuantizerNodes;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The names of a decoder's inputs and outputs, as optimum and the onnxruntime-genai builder write them. */
public final class CacheTensors {
    public static final String IDS = "input_ids";
    public static final String MASK = "attention_mask";
    public static final String POSITIONS = "position_ids";
    public static final String LOGITS = "logits";

    static final String PAST = "past_key_values";
    static final String PRESENT = "present";

    private static final Pattern NAME = Pattern.compile("(past_key_values|present)\\.(\\d{1,4})\\.(key|value)");

    private CacheTensors() {}

    public static String past(Slot slot) {
        return PAST + "." + name(slot);
    }

    public static String present(Slot slot) {
        return PRESENT + "." + name(slot);
    }

    /** K or V of new tokens before they are quantized, an output of a graph that quantizes them. */
    public static String computed(Slot slot) {
        return QuantizerNodes.PREFIX + "computed." + name(slot);
    }

    /** The input with the {@linkplain GraphQuantizer#rows parameters} of a slot. */
    public static String parameters(Slot slot) {
        return QuantizerNodes.parameters(name(slot));
    }

    /** The input that says whether a slot is quantized. */
    public static String on(Slot slot) {
        return QuantizerNodes.on(name(slot));
    }

    /** The input that says whether a slot has local scales. */
    public static String local(Slot slot) {
        return QuantizerNodes.local(name(slot));
    }

    /** The slot in a tensor's name. */
    static String name(Slot slot) {
        return slot.layer() + "." + slot.role().word();
    }

    /** The slot of a past tensor; empty for any other name. */
    static Optional<Slot> pastSlot(String name) {
        return slot(PAST, name);
    }

    /** The slot of a present tensor; empty for any other name. */
    static Optional<Slot> presentSlot(String name) {
        return slot(PRESENT, name);
    }

    private static Optional<Slot> slot(String tensors, String name) {
        Matcher matcher = NAME.matcher(name);
        if (!matcher.matches() || !matcher.group(1).equals(tensors)) {
            return Optional.empty();
        }
        Role role = matcher.group(3).equals(Role.KEY.word()) ? Role.KEY : Role.VALUE;
        return Optional.of(new Slot(Integer.parseInt(matcher.group(2)), role));
    }
}
