package io.kvscale.job.export;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Hidden folders beside an output folder: those of this run, and those of runs that were killed. */
final class Leftovers {
    /** A staging folder whose lease is older belongs to no living run. */
    private static final long STALE_MILLIS = 24 * 60 * 60 * 1000L;

    private static final String ID = "\\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
    private static final Pattern STAGING = Pattern.compile("\\..*" + ID + "\\.tmp");

    private final FileSystem fs;
    private final Path target;
    /** Listed before the target is looked for. */
    private final List<FileStatus> found = new ArrayList<>();

    private Leftovers(FileSystem fs, Path target) {
        this.fs = fs;
        this.target = target;
    }

    /** A new name for a hidden folder beside {@code target}, which ends in {@code .tmp} or {@code .old}. */
    static Path beside(Path target, String suffix) {
        return new Path(target.getParent(), "." + target.getName() + "." + UUID.randomUUID() + suffix);
    }

    /** Whether it is the name of a staging folder. */
    static boolean isStaging(String name) {
        return STAGING.matcher(name).matches();
    }

    /** Lists the hidden folders of {@code target}. */
    static Leftovers of(FileSystem fs, Path target) {
        Leftovers leftovers = new Leftovers(fs, target);
        Pattern name = Pattern.compile("\\." + Pattern.quote(target.getName()) + ID + "\\.(?:tmp|old)");
        try {
            for (FileStatus status : fs.listStatus(target.getParent())) {
                if (status.isDirectory()
                        && name.matcher(status.getPath().getName()).matches()) {
                    leftovers.found.add(status);
                }
            }
        } catch (IOException e) {
            // The parent is absent or may not be listed.
        }
        return leftovers;
    }

    private List<FileStatus> ending(String suffix) {
        return found.stream()
                .filter(status -> status.getPath().getName().endsWith(suffix))
                .toList();
    }

    /**
     * Moves the newest replaced folder back if the target is absent: its run was killed before the new folder was in place.
     * Where a move is a copy the folder may be incomplete: there it stays as it is.
     *
     * @return whether it did
     */
    boolean restore(FolderMover mover) throws IOException {
        List<FileStatus> replaced = ending(".old");
        if (replaced.isEmpty() || !mover.isAtomic() || fs.exists(target)) {
            return false;
        }
        FileStatus newest = replaced.stream()
                .max(Comparator.comparingLong(FileStatus::getModificationTime))
                .orElseThrow();
        return mover.move(newest.getPath(), target);
    }

    /**
     * Deletes staging folders without a living run, and folders that were replaced.
     *
     * @param now the time of the file system
     */
    void remove(long now) {
        try {
            for (FileStatus staging : ending(".tmp")) {
                if (now - lastSignOfLife(staging) > STALE_MILLIS) {
                    fs.delete(staging.getPath(), true);
                }
            }
            // They were listed before: a target that exists now has replaced them.
            if (fs.exists(target)) {
                for (FileStatus replaced : ending(".old")) {
                    fs.delete(replaced.getPath(), true);
                }
            }
        } catch (IOException e) {
            // Another user's folder, or another run removes it: it disturbs nothing.
        }
    }

    private long lastSignOfLife(FileStatus staging) throws IOException {
        long last = staging.getModificationTime();
        try {
            for (FileStatus status : fs.listStatus(staging.getPath())) {
                last = Math.max(last, status.getModificationTime());
            }
            return last;
        } catch (FileNotFoundException e) {
            return Long.MAX_VALUE; // it is gone
        }
    }
}
