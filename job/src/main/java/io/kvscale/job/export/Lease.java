package io.kvscale.job.export;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Timer;
import java.util.TimerTask;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Shows that the run that owns a folder is alive: a file in it that is written anew every ten seconds. Its age is
 * the difference of two modification times of the same file system, because clocks of machines differ.
 */
public final class Lease {
    static final String FILE = "_lease";
    static final String REMOVED = "the hidden folder with its files was removed while this command ran";
    /** A run that did not renew its lease for this long does not live. */
    public static final long DEAD_MILLIS = 60_000;

    private static final long PERIOD_MILLIS = 10_000;

    private final FileSystem fs;
    private final Path file;
    private final Timer timer = new Timer("kvscale-lease", true);
    private boolean released;

    private Lease(FileSystem fs, Path folder) {
        this.fs = fs;
        this.file = new Path(folder, FILE);
    }

    /** Writes the file, and again until it is released or stopped. */
    public static Lease take(FileSystem fs, Path folder) throws IOException {
        Lease lease = new Lease(fs, folder);
        fs.create(lease.file, true).close();
        lease.timer.schedule(
                new TimerTask() {
                    @Override
                    public void run() {
                        lease.renew();
                    }
                },
                PERIOD_MILLIS,
                PERIOD_MILLIS);
        return lease;
    }

    synchronized void renew() {
        try {
            // A lease that was removed stays so: its folder may have lost files.
            if (!released && fs.exists(file)) {
                fs.create(file, true).close();
            }
        } catch (IOException | FSError e) {
            // The file system may be back next time.
        }
    }

    /**
     * The time of the file system, in milliseconds, when the lease was last renewed.
     *
     * @throws IOException also if it was removed by something else, perhaps together with other files of the folder
     */
    public long time() throws IOException {
        try {
            return fs.getFileStatus(file).getModificationTime();
        } catch (FileNotFoundException e) {
            throw new IOException(REMOVED, e);
        }
    }

    /**
     * Removes the file.
     *
     * @throws IOException if it was removed by something else, perhaps together with other files of the folder
     */
    synchronized void release() throws IOException {
        stop();
        if (!fs.delete(file, false)) {
            throw new IOException(REMOVED);
        }
    }

    /** Ends renewing. */
    public synchronized void stop() {
        released = true;
        timer.cancel();
    }
}
