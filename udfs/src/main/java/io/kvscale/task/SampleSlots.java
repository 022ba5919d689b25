package io.kvscale.task;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What one sample holds, slot by slot. A commutative monoid: a sample may lie in several files or rows.
 *
 * @param origin the sample; with a file only if it has no name
 * @param problem why the sample could not be read; null if it could
 */
public record SampleSlots(
        Origin origin, TreeMap<Slot, Held> slots, @Nullable DataProblem problem) implements Serializable {

    /**
     * What a sample holds of one slot.
     *
     * @param file the first file that holds it
     * @param tokens real tokens
     * @param ends what the tokens at both ends look like
     */
    public record Held(String file, long tokens, TokenEnds ends) implements Serializable {
        Held merge(Held other) {
            return new Held(
                    file.compareTo(other.file) <= 0 ? file : other.file, tokens + other.tokens, ends.merge(other.ends));
        }
    }

    static SampleSlots of(Origin origin, Slot slot, Held held) {
        return new SampleSlots(origin, new TreeMap<>(Map.of(slot, held)), null);
    }

    static SampleSlots of(Origin origin, DataProblem problem) {
        return new SampleSlots(origin, new TreeMap<>(), problem);
    }

    public SampleSlots merge(SampleSlots other) {
        TreeMap<Slot, Held> all = new TreeMap<>(slots);
        other.slots.forEach((slot, held) -> all.merge(slot, held, Held::merge));
        return new SampleSlots(origin, all, DataProblem.earlier(problem, other.problem));
    }

    /** Real tokens of a slot; 0 if the sample does not hold it. */
    public long tokens(Slot slot) {
        Held held = slots.get(slot);
        return held == null ? 0 : held.tokens();
    }

    /** A problem of this sample, with the file if there is only one. */
    public DataProblem problem(@Nullable Slot slot, String what, String remedy) {
        Held held = slot == null ? null : slots.get(slot);
        long files = slots.values().stream().map(Held::file).distinct().count();
        String file = held != null
                ? held.file()
                : files == 1 ? slots.firstEntry().getValue().file() : origin.file();
        return new DataProblem(what, remedy, origin.sample(), slot, file.isEmpty() ? null : file, null);
    }
}
