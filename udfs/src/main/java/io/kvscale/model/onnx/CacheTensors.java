package io.kvscale.model.onnx;

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
        return PAST + "." + slot.layer() + "." + slot.role().word();
    }

    public static String present(Slot slot) {
        return PRESENT + "." + slot.layer() + "." + slot.role().word();
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
