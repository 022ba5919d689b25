package io.kvscale.job.state;

import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which groups of a state stand for files of a listing, and what is left to read.
 *
 * @param reused groups whose files are all unchanged, and that do not overlap; their pieces are those of the listing
 * @param fresh the rest of the files, as new groups
 */
public record GroupPlan(List<KeptGroup> reused, List<Split> fresh) {
    /** Smaller groups are made only where the user asks for so many tasks: each costs a file of its own. */
    private static final long MIN_BYTES = 64L << 20;

    /**
     * @param files in the order of their names
     * @param kept groups of one observation, in any order
     * @param partitions least number of new groups; 0: enough for every core
     */
    static GroupPlan of(List<InputFile> files, List<KeptGroup> kept, int partitions, int cores) {
        Map<String, InputFile> listed = new HashMap<>();
        files.forEach(file -> listed.put(file.path(), file));
        Map<String, List<FilePiece>> covered = new HashMap<>();
        List<KeptGroup> largestFirst = new ArrayList<>(kept);
        largestFirst.sort(Comparator.comparingLong(KeptGroup::bytes).reversed().thenComparing(KeptGroup::file));
        List<KeptGroup> reused = new ArrayList<>();
        for (KeptGroup group : largestFirst) {
            List<FilePiece> pieces = unchanged(group, listed);
            if (pieces != null && pieces.stream().noneMatch(piece -> overlaps(piece, covered))) {
                pieces.forEach(piece -> covered.computeIfAbsent(piece.file().path(), path -> new ArrayList<>(1))
                        .add(piece));
                reused.add(new KeptGroup(group.file(), group.size(), group.observation(), pieces));
            }
        }
        List<FilePiece> rest = new ArrayList<>();
        for (InputFile file : files) {
            addGaps(file, covered.getOrDefault(file.path(), List.of()), rest);
        }
        return new GroupPlan(reused, Split.cut(rest, count(rest, partitions, cores)));
    }

    /** The pieces of a group, of the listed files; null if one of them is gone or changed. */
    private static @Nullable List<FilePiece> unchanged(KeptGroup group, Map<String, InputFile> listed) {
        List<FilePiece> pieces = new ArrayList<>();
        for (FilePiece piece : group.pieces()) {
            InputFile then = piece.file();
            InputFile now = listed.get(then.path());
            if (now == null
                    || !now.name().equals(then.name())
                    || !now.root().equals(then.root())
                    || !now.version().isSameAs(then.version())) {
                return null;
            }
            pieces.add(new FilePiece(now, piece.start(), piece.end()));
        }
        return pieces;
    }

    private static boolean overlaps(FilePiece piece, Map<String, List<FilePiece>> covered) {
        return covered.getOrDefault(piece.file().path(), List.of()).stream()
                .anyMatch(other -> piece.start() < other.end() && other.start() < piece.end());
    }

    private static void addGaps(InputFile file, List<FilePiece> covered, List<FilePiece> gaps) {
        List<FilePiece> sorted = new ArrayList<>(covered);
        sorted.sort(Comparator.comparingLong(FilePiece::start));
        long next = 0;
        for (FilePiece piece : sorted) {
            if (piece.start() > next) {
                gaps.add(new FilePiece(file, next, piece.start()));
            }
            next = piece.end();
        }
        if (next < file.length() || covered.isEmpty()) {
            gaps.add(new FilePiece(file, next, file.length()));
        }
    }

    private static int count(List<FilePiece> pieces, int partitions, int cores) {
        long bytes = pieces.stream().mapToLong(FilePiece::length).sum();
        long least = partitions > 0 ? partitions : Math.min(cores, bytes / MIN_BYTES);
        return Math.toIntExact(Math.min(1_000_000, Math.max(1, Math.max(least, ceil(bytes, Split.MAX_BYTES)))));
    }

    private static long ceil(long a, long b) {
        return (a + b - 1) / b;
    }

    /** The bytes that are left to read. */
    public long freshBytes() {
        return fresh.stream().mapToLong(Split::length).sum();
    }

    /** The bytes that the groups of the state stand for. */
    public long reusedBytes() {
        return reused.stream().mapToLong(KeptGroup::bytes).sum();
    }

    /** All pieces of the plan, for a check that none is lost. */
    List<FilePiece> pieces() {
        List<FilePiece> all = new ArrayList<>();
        reused.forEach(group -> all.addAll(group.pieces()));
        fresh.forEach(split -> all.addAll(split.pieces()));
        return Collections.unmodifiableList(all);
    }
}
