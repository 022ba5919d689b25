package io.kvscale.job.export;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/** Puts a staging folder in place in one step. With {@code overwrite} the old folder is moved aside just before. */
final class RenamingCommit {
    /** Bounds the rounds in which other runs replace the folder between two steps of this one. */
    private static final int MAX_ROUNDS = 1_000;

    private static final int MAX_ERRORS = 5;

    private final FolderMover mover;
    private final FileSystem fs;
    private final OutputClaim claim;
    private final Path staging;
    private final Path target;
    /** Folders that this run moved aside. */
    private final List<Path> replaced = new ArrayList<>();

    RenamingCommit(FolderMover mover, OutputClaim claim, Path staging, Path target) {
        this.mover = mover;
        this.fs = mover.fs();
        this.claim = claim;
        this.staging = staging;
        this.target = target;
    }

    /**
     * @param since why the folder exists, for the message that it may not be replaced
     * @throws IOException also if the staging folder is gone
     */
    void place(String since) throws IOException {
        IOException last = new IOException("other processes create it again and again");
        for (int round = 0, errors = 0; round < MAX_ROUNDS && errors < MAX_ERRORS; round++) {
            try {
                if (claim.replaces(fs, target, since)) {
                    Path old = Leftovers.beside(target, ".old");
                    if (mover.move(target, old)) {
                        replaced.add(old);
                    }
                }
                if (mover.move(staging, target)) {
                    return;
                }
            } catch (IOException e) {
                // Perhaps another run replaced the folder in the middle of the operation.
                last = e;
                errors++;
            }
            if (!fs.exists(staging)) {
                throw new IOException(Lease.REMOVED);
            }
        }
        throw last;
    }

    /** Moves the folder back that was moved aside last. Returns where it is if another folder is in its place. */
    @Nullable
    Path restore() {
        if (replaced.isEmpty()) {
            return null;
        }
        Path last = replaced.remove(replaced.size() - 1);
        finish();
        try {
            return mover.move(last, target) ? null : last;
        } catch (IOException e) {
            return last;
        }
    }

    /** Deletes the folders that were moved aside. */
    void finish() {
        replaced.forEach(folder -> Leftovers.discard(fs, folder));
    }
}
