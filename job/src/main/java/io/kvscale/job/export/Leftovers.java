package io.kvscale.job.export;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Hidden folders beside an output folder: those of this run, and those of runs that were killed. Anyone who may write there
 * can create folders with such names. Only folders of this user are touched that hold nothing but files that kvscale writes.
 */
final class Leftovers {
    /** A folder whose lease or newest file is older belongs to no living run. */
    private static final long STALE_MILLIS = 24 * 60 * 60 * 1000L;

    private static final String ID = "\\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
    private static final Pattern STAGING = Pattern.compile("\\..*" + ID + "\\.tmp");

    private final FileSystem fs;
    private final Path target;
    private final OutputClaim claim;
    /** Listed before the target is looked for. */
    private final List<FileStatus> found = new ArrayList<>();

    private Leftovers(FileSystem fs, Path target, OutputClaim claim) {
        this.fs = fs;
        this.target = target;
        this.claim = claim;
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
    static Leftovers of(FileSystem fs, Path target, OutputClaim claim) {
        Leftovers leftovers = new Leftovers(fs, target, claim);
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

    private Stream<FileStatus> ending(String suffix) {
        return found.stream().filter(status -> status.getPath().getName().endsWith(suffix));
    }

    /** Whether an earlier run of this user wrote the folder; {@code own} is a folder of this run. */
    private boolean isOurs(Path folder, Path own) {
        try {
            return !FolderMover.isLink(folder)
                    && claim.foreign(fs, folder) == null
                    && owner(folder).equals(owner(own));
        } catch (IOException e) {
            return false; // it is gone, or may not be read
        }
    }

    private String owner(Path path) throws IOException {
        if (FolderMover.isLocal(path)) {
            // Hadoop would start a process.
            return Files.getOwner(FolderMover.local(path)).getName();
        }
        try {
            return fs.getFileStatus(path).getOwner();
        } catch (RuntimeException e) {
            return ""; // a file system without owners
        }
    }

    /**
     * Moves the newest replaced folder back if the target is absent: its run was killed before the new folder was in place.
     * Where a move is a copy the folder may be incomplete: there it stays as it is.
     *
     * @param own a folder of this run
     * @return whether it did
     */
    boolean restore(FolderMover mover, Path own) {
        if (!mover.isAtomic() || found.isEmpty()) {
            return false;
        }
        try {
            Optional<FileStatus> newest = ending(".old")
                    .filter(status -> isOurs(status.getPath(), own))
                    .max(Comparator.comparingLong(FileStatus::getModificationTime));
            return newest.isPresent()
                    && !fs.exists(target)
                    && mover.move(newest.get().getPath(), target);
        } catch (IOException e) {
            return false; // another run restores it
        }
    }

    /**
     * Deletes folders without a sign of life for a day: staging folders, and folders that were replaced.
     *
     * @param own a folder of this run
     * @param now the time of the file system
     */
    void remove(Path own, long now) {
        try {
            // They were listed before: a target that exists now has replaced them.
            List<FileStatus> unused = fs.exists(target) ? found : ending(".tmp").toList();
            for (FileStatus folder : unused) {
                if (now - lastSignOfLife(folder) > STALE_MILLIS && isOurs(folder.getPath(), own)) {
                    fs.delete(folder.getPath(), true);
                }
            }
        } catch (IOException e) {
            // Another run removes it: it disturbs nothing.
        }
    }

    /** Deletes a folder. Returns whether something is left: a task of a run that failed may still be writing. */
    static boolean discard(FileSystem fs, Path folder) {
        try {
            fs.delete(folder, true);
            return fs.exists(folder);
        } catch (IOException e) {
            // A hidden folder remains; a later run with this output removes it.
            return true;
        }
    }

    private long lastSignOfLife(FileStatus folder) {
        long last = folder.getModificationTime();
        try {
            for (FileStatus status : fs.listStatus(folder.getPath())) {
                last = Math.max(last, status.getModificationTime());
            }
            return last;
        } catch (IOException e) {
            return Long.MAX_VALUE; // it is gone, or another user's
        }
    }
}
