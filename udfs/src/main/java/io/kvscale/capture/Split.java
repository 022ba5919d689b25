package io.kvscale.capture;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/** The unit of a task: pieces of files, in the order of the listing. */
public record Split(ArrayList<FilePiece> pieces) implements Serializable {
    /** About the most that one task reads: enough to dwarf its start, little enough to retry. */
    public static final long MAX_BYTES = 1L << 30;

    /** What opening a file and reading its header is reckoned as, in bytes read. */
    private static final long OPEN_COST = 64 << 10;

    public long length() {
        return pieces.stream().mapToLong(FilePiece::length).sum();
    }

    /**
     * Cuts files into about {@code count} splits of like size: large files by byte range, small ones packed together.
     * Looks at the listing alone.
     *
     * @param count at least 1; fewer splits come back where there are fewer bytes
     */
    public static List<Split> plan(List<CaptureFile> files, int count) {
        long total = files.stream().mapToLong(f -> f.length() + OPEN_COST).sum();
        long target = Math.max(1, (total + count - 1) / count);
        List<Split> splits = new ArrayList<>();
        ArrayList<FilePiece> current = new ArrayList<>();
        long room = target;
        for (CaptureFile file : files) {
            long start = 0;
            do {
                if (room <= 0 || (room <= OPEN_COST && !current.isEmpty() && splits.size() + 1 < count)) {
                    splits.add(new Split(current));
                    current = new ArrayList<>();
                    room = target;
                }
                long end = Math.min(file.length(), start + Math.max(1, room - OPEN_COST));
                current.add(new FilePiece(file, start, end));
                room -= end - start + OPEN_COST;
                start = end;
            } while (start < file.length());
        }
        if (!current.isEmpty()) {
            splits.add(new Split(current));
        }
        return splits;
    }

    /**
     * How many splits suit a corpus: enough for every core, of at most {@link #MAX_BYTES} each.
     *
     * @param cores task slots of the cluster
     */
    public static int count(List<CaptureFile> files, int cores) {
        long total = files.stream().mapToLong(CaptureFile::length).sum();
        return (int) Math.min(1_000_000, Math.max(cores, (total + MAX_BYTES - 1) / MAX_BYTES));
    }
}
