package io.kvscale.job.export;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.CreateFileOptionKeys;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * Lets one run at a time put files into an output folder, where a folder cannot be moved in one step. The lock is a hidden
 * file beside the folder. It holds the name of a staging folder, whose {@link Lease} says whether the run is alive. Both
 * times that are compared are the store's.
 *
 * <p>A store with conditional writes gives the lock to one run only. On other stores, and where the lock of a dead run is
 * replaced, a run waits and reads the lock again before it uses it.
 */
final class CommitLock {
    private static final String CONDITIONAL = CreateFileOptionKeys.FS_OPTION_CREATE_CONDITIONAL_OVERWRITE;
    private static final long SETTLE_MILLIS = 1_000;
    private static final long POLL_MILLIS = 200;
    private static final int MAX_BYTES = 1024;

    private final FileSystem fs;
    private final Path file;
    private final String own;

    private CommitLock(FileSystem fs, Path target, Path staging) {
        this.fs = fs;
        this.file = new Path(target.getParent(), "." + target.getName() + ".commit");
        this.own = staging.getName();
    }

    /**
     * Waits until no other living run holds the lock, and takes it.
     *
     * @param staging the staging folder of this run
     * @param lease the lease in it
     */
    static CommitLock take(FileSystem fs, Path target, Path staging, Lease lease) throws IOException {
        CommitLock lock = new CommitLock(fs, target, staging);
        boolean certain = fs.hasPathCapability(lock.file, CONDITIONAL);
        while (true) {
            if (lock.create()) {
                if (!certain) {
                    sleep(SETTLE_MILLIS);
                }
                if (lock.isHeld()) {
                    return lock;
                }
            }
            String holder = lock.holder();
            if (holder != null && !lock.isAlive(holder, lease) && holder.equals(lock.holder())) {
                fs.delete(lock.file, false);
                certain = false;
            } else {
                sleep(POLL_MILLIS);
            }
        }
    }

    /** Returns false if another run holds the lock. */
    private boolean create() throws IOException {
        FSDataOutputStreamBuilder<?, ?> builder = fs.createFile(file);
        builder.overwrite(false);
        builder.recursive();
        builder.opt(CONDITIONAL, true);
        try (OutputStream out = builder.build()) {
            out.write(own.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // Stores report a file that exists in different ways.
            if (holder() == null) {
                throw e;
            }
            return false;
        }
        return true;
    }

    /** What the lock holds; null if there is none. */
    private @Nullable String holder() throws IOException {
        try (InputStream in = fs.open(file)) {
            return new String(in.readNBytes(MAX_BYTES), StandardCharsets.UTF_8);
        } catch (FileNotFoundException e) {
            return null;
        }
    }

    private boolean isAlive(String holder, Lease lease) throws IOException {
        // A store that creates a file before it has content may be asked in between.
        Path sign = holder.isEmpty() ? file : new Path(new Path(file.getParent(), name(holder)), Lease.FILE);
        try {
            long renewed = fs.getFileStatus(sign).getModificationTime();
            lease.renew();
            return lease.time() - renewed < Lease.DEAD_MILLIS;
        } catch (FileNotFoundException e) {
            return false;
        }
    }

    private String name(String holder) throws IOException {
        if (!Leftovers.isStaging(holder)) {
            throw new IOException(OutputClaim.shown(file) + " is not a lock of kvscale, whose name it has");
        }
        return holder;
    }

    /** Whether this run still holds the lock: a run that stood still for long may have lost it. */
    boolean isHeld() throws IOException {
        return own.equals(holder());
    }

    void release() {
        try {
            if (isHeld()) {
                fs.delete(file, false);
            }
        } catch (IOException e) {
            // The lease of this run ends, and with it the lock.
        }
    }

    private static void sleep(long millis) throws IOException {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("it was interrupted", e);
        }
    }
}
