package io.kvscale.input;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/** The input of one task: pieces of files, in the order of the listing. */
public record Split(ArrayList<FilePiece> pieces) implements Serializable {
    /** About the maximum for one task: large beside the cost of starting it, small enough to retry. */
    public static final long MAX_BYTES = 1L << 30;

    /**
     * The cost of opening a file and reading its header, in bytes read. A larger one would keep files of 100 KB from being cut.
     */
    private static final long OPEN_COST = 64 << 10;

    public long length() {
        return pieces.stream().mapToLong(FilePiece::length).sum();
    }

    /**
     * Cuts files into at most {@code count} splits of similar size. Large files are cut by byte range, small ones packed
     * together; no file is opened.
     *
     * <p>All files are put in one sequence by their cost to read, which is cut into equal parts.
     *
     * @param count at least 1; fewer splits are returned if there are fewer bytes
     */
    public static List<Split> plan(List<InputFile> files, int count) {
        return cut(
                files.stream()
                        .map(file -> new FilePiece(file, 0, file.length()))
                        .toList(),
                count);
    }

    /** Cuts pieces of files as {@link #plan} cuts whole files. */
    public static List<Split> cut(List<FilePiece> pieces, int count) {
        long total = pieces.stream().mapToLong(p -> p.length() + OPEN_COST).sum();
        List<Split> splits = new ArrayList<>();
        ArrayList<FilePiece> current = new ArrayList<>();
        long line = 0;
        int next = 1;
        for (FilePiece piece : pieces) {
            line += OPEN_COST;
            long start = piece.start();
            while (next < count && boundary(total, count, next) < line + piece.length()) {
                long cut = piece.start() + Math.max(0, boundary(total, count, next) - line);
                if (cut > start) {
                    current.add(new FilePiece(piece.file(), start, cut));
                    start = cut;
                }
                if (!current.isEmpty()) {
                    splits.add(new Split(current));
                    current = new ArrayList<>();
                }
                next++;
            }
            current.add(new FilePiece(piece.file(), start, piece.end()));
            line += piece.length();
        }
        if (!current.isEmpty()) {
            splits.add(new Split(current));
        }
        return splits;
    }

    /** Where part {@code k} of {@code count} equal parts of a line begins. */
    private static long boundary(long length, int count, int k) {
        return length / count * k + Math.min(k, length % count);
    }

    /**
     * The default number of splits: at least one per core, of at most {@link #MAX_BYTES} each, with a share for each file but one.
     *
     * @param cores number of tasks that the cluster runs at once
     */
    public static int count(List<InputFile> files, int cores) {
        // A file alone costs nothing beside its bytes, so that a gigabyte in one file is one task.
        long total = files.stream().mapToLong(InputFile::length).sum() + Math.max(0, files.size() - 1) * OPEN_COST;
        return (int) Math.min(1_000_000, Math.max(cores, (total + MAX_BYTES - 1) / MAX_BYTES));
    }
}
