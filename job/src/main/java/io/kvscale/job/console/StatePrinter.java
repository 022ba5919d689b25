package io.kvscale.job.console;

import io.kvscale.job.state.KeptBatch;
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
        TextTable captures = new TextTable("what", "recipe", "groups", "files", "MB of captures", "MB of state");
        TextTable texts = new TextTable("what", "recipe", "groups", "texts", "tokens", "MB of state");
        int ofTexts = 0;
        for (Map.Entry<Observation, List<KeptGroup>> entry : byObservation.entrySet()) {
            List<KeptGroup> groups = entry.getValue();
            String digest = entry.getKey().digest();
            String recipe = digest.substring(0, Math.min(DIGITS, digest.length()));
            String state = megabytes(groups.stream().mapToLong(KeptGroup::size).sum());
            if (groups.get(0).batches().isEmpty()) {
                long bytes = groups.stream().mapToLong(KeptGroup::bytes).sum();
                captures.row(entry.getKey().label(), recipe, groups.size(), files(groups), megabytes(bytes), state);
            } else {
                ofTexts++;
                long tokens = groups.stream().mapToLong(KeptGroup::tokens).sum();
                texts.row(entry.getKey().label(), recipe, groups.size(), texts(groups), tokens, state);
            }
        }
        if (byObservation.size() > ofTexts) {
            captures.print(out);
        }
        if (ofTexts > 0) {
            texts.print(out);
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

    private static long texts(List<KeptGroup> groups) {
        return groups.stream()
                .flatMap(group -> group.batches().stream())
                .mapToLong(KeptBatch::texts)
                .sum();
    }

    private static String megabytes(long bytes) {
        return TextTable.fixed(bytes / 1e6);
    }
}
