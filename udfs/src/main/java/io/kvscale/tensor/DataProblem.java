package io.kvscale.tensor;

import io.kvscale.json.HiddenCharacters;
import java.io.Serializable;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/**
 * Why calibration data cannot be used. Tasks return it as a value instead of failing.
 *
 * <p>Ordered by sample, layer and role, so that the first of several problems does not depend on how the data was split.
 * Problems without a sample come last.
 *
 * @param what what is wrong, with the values that show it
 * @param remedy what the user can do about it
 * @param file a path below the input; or a table or model, whose name begins with {@link #TABLE} or {@link #MODEL}
 * @param tensor the name of the tensor in the file
 */
public record DataProblem(
        String what,
        String remedy,
        @Nullable Sample sample,
        @Nullable Slot slot,
        @Nullable String file,
        @Nullable String tensor)
        implements Comparable<DataProblem>, Serializable {

    /** Prefix of {@code file} for a table. */
    public static final String TABLE = "table ";

    /** Prefix of {@code file} for the folder of a model. */
    public static final String MODEL = "model ";

    private static final int MAX_SHOWN = 200;

    private static final Comparator<DataProblem> ORDER = Comparator.comparing(
                    DataProblem::sample, Comparator.nullsLast(Comparator.<Sample>naturalOrder()))
            .thenComparing(DataProblem::slot, Comparator.nullsFirst(Comparator.<Slot>naturalOrder()))
            .thenComparing(DataProblem::file, Comparator.nullsFirst(Sample::compareUtf8))
            .thenComparing(DataProblem::tensor, Comparator.nullsFirst(Sample::compareUtf8))
            .thenComparing(DataProblem::what);

    /** A problem whose place is not known yet. */
    public static DataProblem of(String what, String remedy) {
        return new DataProblem(what, remedy, null, null, null, null);
    }

    public DataProblem inFile(String name) {
        return new DataProblem(what, remedy, sample, slot, name, tensor);
    }

    public DataProblem inTensor(String name) {
        return new DataProblem(what, remedy, sample, slot, file, name);
    }

    public DataProblem inSlot(Slot newSlot) {
        return new DataProblem(what, remedy, sample, newSlot, file, tensor);
    }

    public DataProblem inSample(Sample newSample) {
        return new DataProblem(what, remedy, newSample, slot, file, tensor);
    }

    /** Drops file and tensor, for data that users know only by its sample. */
    public DataProblem withoutFile() {
        return new DataProblem(what, remedy, sample, slot, null, null);
    }

    /** The first of two in their order; null counts as absent. */
    public static @Nullable DataProblem earlier(@Nullable DataProblem a, @Nullable DataProblem b) {
        if (a == null || b == null) {
            return a == null ? b : a;
        }
        return a.compareTo(b) <= 0 ? a : b;
    }

    @Override
    public int compareTo(DataProblem other) {
        return ORDER.compare(this, other);
    }

    /** One to three lines: what, where, what to do. Names come from untrusted files and are shortened and escaped. */
    public String message() {
        StringBuilder where = new StringBuilder();
        boolean named = file != null && (file.startsWith(TABLE) || file.startsWith(MODEL));
        append(where, named ? "" : "file ", file);
        append(where, "tensor ", tensor);
        append(where, "", slot);
        append(where, "sample ", sample);
        return printable(what)
                + (where.isEmpty() ? "" : "\n  in " + where)
                + (remedy.isEmpty() ? "" : "\n  " + printable(remedy));
    }

    private static void append(StringBuilder to, String label, @Nullable Object value) {
        if (value != null) {
            to.append(to.isEmpty() ? "" : ", ").append(label).append(shown(value.toString()));
        }
    }

    /** A name from an untrusted file, safe to print: its first 200 characters, hidden ones as escapes. */
    public static String shown(String name) {
        if (name.length() <= MAX_SHOWN) {
            return printable(name);
        }
        boolean halfPair = Character.isHighSurrogate(name.charAt(MAX_SHOWN - 1));
        return printable(name.substring(0, halfPair ? MAX_SHOWN - 1 : MAX_SHOWN)) + "...";
    }

    /** A text of any length in which hidden characters are escapes; line breaks are hidden characters too. */
    public static String printable(String text) {
        return HiddenCharacters.escaped(text);
    }
}
