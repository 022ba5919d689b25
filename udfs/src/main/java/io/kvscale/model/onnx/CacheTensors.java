package io.kvscale.model.onnx;

import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How optimum and the onnxruntime-genai builder name the tensors of a decoder. */
public final class CacheTensors {
    public static final String IDS = "input_ids";
    public static final String MASK = "attention_mask";
    public static final String POSITIONS = "position_ids";
    public static final String LOGITS = "logits";

    private static final Pattern PAST = Pattern.compile("past_key_values\\.(\\d{1,4})\\.(key|value)");
    private static final Pattern PRESENT = Pattern.compile("present\\.(\\d{1,4})\\.(key|value)");

    private CacheTensors() {}

    public static String past(Slot slot) {
        return "past_key_values." + slot.layer() + "." + slot.role().word();
    }

    public static String present(Slot slot) {
        return "present." + slot.layer() + "." + slot.role().word();
    }

    /** The slot of a past of that name; empty if the name is another's. */
    static Optional<Slot> ofPast(String name) {
        return slot(PAST, name);
    }

    /** The slot of a present of that name; empty if the name is another's. */
    static Optional<Slot> ofPresent(String name) {
        return slot(PRESENT, name);
    }

    private static Optional<Slot> slot(Pattern pattern, String name) {
        Matcher matcher = pattern.matcher(name);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        Role role = matcher.group(2).equals(Role.KEY.word()) ? Role.KEY : Role.VALUE;
        return Optional.of(new Slot(Integer.parseInt(matcher.group(1)), role));
    }
}
