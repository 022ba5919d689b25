package io.kvscale.job.state;

import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which groups of a state stand for files of a listing, and what is left to read.
 *
 * @param reused groups whose files are all unchanged, and that do not overlap; their pieces are those of the listing
 * @param redundant groups of unchanged files that others stand for, as after packing was interrupted
 * @param fresh the rest of the files, as new groups
 */
public record GroupPlan(List<KeptGroup> reused, List<KeptGroup> redundant, List<Split> fresh) {
    /** Smaller groups are made only where the user asks for so many tasks: each costs a file of its own. */
    private static final long MIN_BYTES = 64L << 20;

    /** Fewer small groups are not packed, so that a run that adds a small group does not write all again. */
    private static final int MIN_PACKED = 8;

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
        List<KeptGroup> redundant = new ArrayList<>();
        for (KeptGroup group : largestFirst) {
            List<FilePiece> pieces = unchanged(group, listed);
            if (pieces == null) {
                continue;
            } else if (pieces.stream().anyMatch(piece -> overlaps(piece, covered))) {
                redundant.add(group);
            } else {
                pieces.forEach(piece -> covered.computeIfAbsent(piece.file().path(), path -> new ArrayList<>(1))
                        .add(piece));
                reused.add(new KeptGroup(group.file(), group.size(), group.observation(), pieces, List.of()));
            }
        }
        List<FilePiece> rest = new ArrayList<>();
        for (InputFile file : files) {
            addGaps(file, covered.getOrDefault(file.path(), List.of()), rest);
        }
        return new GroupPlan(reused, redundant, Split.cut(rest, count(rest, partitions, cores)));
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

    /** Small groups that are worth to be packed into one of at most the usual size, together. */
    public List<List<KeptGroup>> packs() {
        List<KeptGroup> small = new ArrayList<>(reused);
        small.removeIf(group -> group.bytes() > Split.MAX_BYTES / 2);
        small.sort(Comparator.comparing(
                        (KeptGroup group) -> group.pieces().get(0).file().name())
                .thenComparing(KeptGroup::file));
        List<List<KeptGroup>> packs = new ArrayList<>();
        List<KeptGroup> pack = new ArrayList<>();
        long bytes = 0;
        for (KeptGroup group : small) {
            if (bytes + group.bytes() > Split.MAX_BYTES) {
                packs.add(pack);
                pack = new ArrayList<>();
                bytes = 0;
            }
            pack.add(group);
            bytes += group.bytes();
        }
        packs.add(pack);
        packs.removeIf(groups -> groups.size() < MIN_PACKED);
        return packs;
    }

    /** Whether one run read all the files together, as one group. Two groups may each have shown too little. */
    public boolean isOneGroup() {
        return reused.size() == 1 && fresh.isEmpty();
    }

    /** The bytes that are left to read. */
    public long freshBytes() {
        return fresh.stream().mapToLong(Split::length).sum();
    }

    /** The bytes that the groups of the state stand for. */
    public long reusedBytes() {
        return reused.stream().mapToLong(KeptGroup::bytes).sum();
    }
}
