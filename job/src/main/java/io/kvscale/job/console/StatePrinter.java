package io.kvscale.job.console;

import io.kvscale.job.state.KeptGroup;
import io.kvscale.job.state.Observation;
import io.kvscale.job.state.StateStore;
import io.kvscale.tensor.DataProblem;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Prints what a state holds. */
public final class StatePrinter {
    private static final int DIGITS = 12;

    private StatePrinter() {}

    public static void print(String folder, StateStore.Content content, PrintWriter out) {
        out.println(DataProblem.printable(folder) + ": state");
        SortedMap<Observation, List<KeptGroup>> byObservation =
                new TreeMap<>(Comparator.comparing(Observation::label).thenComparing(Observation::digest));
        for (KeptGroup group : content.groups()) {
            byObservation
                    .computeIfAbsent(group.observation(), o -> new ArrayList<>())
                    .add(group);
        }
        if (!byObservation.isEmpty()) {
            TextTable table = new TextTable("what", "recipe", "groups", "files", "MB of captures", "MB of state");
            byObservation.forEach((observation, groups) -> table.row(
                    observation.label(),
                    observation
                            .digest()
                            .substring(0, Math.min(DIGITS, observation.digest().length())),
                    groups.size(),
                    files(groups),
                    megabytes(groups.stream().mapToLong(KeptGroup::bytes).sum()),
                    megabytes(groups.stream().mapToLong(KeptGroup::size).sum())));
            table.print(out);
        }
        unusable(content.unusable(), out);
        if (content.leftovers() > 0) {
            out.println(content.leftovers() + " files of runs that were killed");
        }
        out.println(content.holder() == null ? "no run uses it" : "in use by " + content.holder());
    }

    private static void unusable(Map<String, String> files, PrintWriter out) {
        files.forEach((file, reason) -> out.println("cannot be used: " + file + ": " + reason));
    }

    private static long files(List<KeptGroup> groups) {
        return groups.stream()
                .flatMap(group -> group.pieces().stream())
                .map(piece -> piece.file().path())
                .distinct()
                .count();
    }

    private static String megabytes(long bytes) {
        return TextTable.fixed(bytes / 1e6);
    }
}
