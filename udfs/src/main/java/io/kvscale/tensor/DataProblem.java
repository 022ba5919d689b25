package io.kvscale.tensor;

import java.io.Serializable;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/**
 * Why calibration data cannot be used, as a value: tasks return it instead of failing.
 *
 * <p>Ordered by sample, layer and role, so that the first of a set does not depend on how the data was split; problems
 * that belong to no sample come last.
 *
 * @param what what is wrong, with the values that show it
 * @param remedy what the user can do about it
 * @param sample the sample that shows it
 * @param slot the slot it concerns
 * @param file the file, as a path below the input; or the table or model, behind {@link #TABLE} or {@link #MODEL}
 * @param tensor the tensor's name in that file
 */
public record DataProblem(
        String what,
        String remedy,
        @Nullable Sample sample,
        @Nullable Slot slot,
        @Nullable String file,
        @Nullable String tensor)
        implements Comparable<DataProblem>, Serializable {

    /** What the name of a table begins with where else a file's stands. */
    public static final String TABLE = "table ";

    /** What the name of a model's folder begins with there. */
    public static final String MODEL = "model ";

    private static final int MAX_SHOWN = 200;

    private static final Comparator<DataProblem> ORDER = Comparator.comparing(
                    DataProblem::sample, Comparator.nullsLast(Comparator.<Sample>naturalOrder()))
            .thenComparing(DataProblem::slot, Comparator.nullsFirst(Comparator.<Slot>naturalOrder()))
            .thenComparing(DataProblem::file, Comparator.nullsFirst(Sample::compareUtf8))
            .thenComparing(DataProblem::tensor, Comparator.nullsFirst(Sample::compareUtf8))
            .thenComparing(DataProblem::what);

    /** A problem of a file as such. */
    public static DataProblem of(String what, String remedy) {
        return new DataProblem(what, remedy, null, null, null, null);
    }

    public DataProblem inFile(String name) {
        return new DataProblem(what, remedy, sample, slot, name, tensor);
    }

    public DataProblem inTensor(String name) {
        return new DataProblem(what, remedy, sample, slot, file, name);
    }

    public DataProblem inSlot(Slot of) {
        return new DataProblem(what, remedy, sample, of, file, tensor);
    }

    public DataProblem inSample(Sample of) {
        return new DataProblem(what, remedy, of, slot, file, tensor);
    }

    /** The same without file and tensor, where nobody knows them but by the sample. */
    public DataProblem withoutFile() {
        return new DataProblem(what, remedy, sample, slot, null, null);
    }

    @Override
    public int compareTo(DataProblem other) {
        return ORDER.compare(this, other);
    }

    /** Up to three lines: what, where, what to do. Names come from untrusted files and are shortened and escaped. */
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

    /** A name from a file as it may be shown: at most 200 characters, no control characters. */
    public static String shown(String name) {
        String cut = name.length() <= MAX_SHOWN ? name : name.substring(0, MAX_SHOWN) + "...";
        return printable(cut);
    }

    private static String printable(String text) {
        StringBuilder out = new StringBuilder(text.length());
        text.codePoints().forEach(c -> out.appendCodePoint(isHarmless(c) ? c : '\ufffd'));
        return out.toString();
    }

    /** Whether a character neither ends a line, nor steers a terminal, nor turns the direction of the text. */
    private static boolean isHarmless(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE -> false;
            default -> true;
        };
    }
}
