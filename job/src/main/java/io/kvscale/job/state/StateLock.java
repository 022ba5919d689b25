package io.kvscale.job.state;

import io.kvscale.job.export.Lease;
import io.kvscale.job.export.OutputException;
import io.kvscale.tensor.DataProblem;
import java.io.Closeable;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * Lets one run at a time write a state. Works on every file system that lists a file as soon as it is created, object stores
 * included, and needs neither an atomic rename nor an exclusive create.
 *
 * <p>A run creates a folder of its own below {@code lock}, with a {@link Lease}, and then lists all of them. Of two runs
 * the second one to create its folder sees that of the first. Where both see each other, the one with the smaller name
 * waits, and the other one gives up.
 *
 * <p>The name of the folder says whose it is: {@code UUID,PROCESS,SECONDS,USER,HOST}. A file would be empty if the run
 * were killed before it wrote it, and the next run could not tell that the owner is dead.
 *
 * <p>The lock saves work. Nothing is damaged if two runs hold it, as after a pause of the first one: the files of groups
 * are written whole, and groups that overlap are not used together.
 */
final class StateLock implements Closeable {
    private static final String FOLDER = "lock";
    private static final int MAX_WORD = 64;
    private static final int ROUNDS = 20;

    private final FileSystem fs;
    private final Path claim;
    private final Lease lease;

    private StateLock(FileSystem fs, Path claim, Lease lease) {
        this.fs = fs;
        this.claim = claim;
        this.lease = lease;
    }

    /**
     * Who holds the lock.
     *
     * @param claim the folder that shows it
     * @param seen when the file system last saw a sign of life, in milliseconds
     */
    record Holder(Path claim, String user, String host, long process, String began, long seen) {
        /** In words: {@code a run of USER on HOST (process N), which began at TIME}. */
        String shown() {
            return DataProblem.shown(
                    "a run of " + user + " on " + host + " (process " + process + "), which began at " + began);
        }

        private boolean isAlive(long now) {
            boolean here = host.equals(word(LocalHost.name()));
            if (here && ProcessHandle.of(process).isEmpty()) {
                return false;
            }
            // In the future too: the clock of the file system was set back.
            return Math.abs(now - seen) < Lease.DEAD_MILLIS;
        }
    }

    /**
     * Takes the lock, also from a run that is dead.
     *
     * @throws OutputException if another run holds it; names that run
     */
    static StateLock take(FileSystem fs, Path state) throws IOException {
        String owner = String.join(
                ",",
                UUID.randomUUID().toString(),
                Long.toString(ProcessHandle.current().pid()),
                Long.toString(Instant.now().getEpochSecond()),
                word(System.getProperty("user.name", "unknown")),
                word(LocalHost.name()));
        Path claim = new Path(new Path(state, FOLDER), owner);
        StateLock lock = new StateLock(fs, claim, Lease.take(fs, claim));
        try {
            Holder other = lock.other(state);
            for (int i = 0; i < ROUNDS && other != null && claim.compareTo(other.claim) < 0; i++) {
                sleep();
                other = lock.other(state);
            }
            if (other != null) {
                throw new OutputException("the state folder " + state + " is in use by " + other.shown()
                        + "\n  wait for its end, or name another folder with --state");
            }
            return lock;
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /** Another run that is alive; null if there is none. Removes the claims of dead ones. */
    private @Nullable Holder other(Path state) throws IOException {
        long now = lease.time();
        Holder living = null;
        for (Holder holder : holders(fs, state)) {
            if (holder.claim.equals(claim)) {
                continue;
            } else if (holder.isAlive(now)) {
                living = living == null ? holder : living;
            } else {
                fs.delete(holder.claim, true);
            }
        }
        return living;
    }

    /** The run that holds the lock, in words; null if none that is alive does. Judges by the clock of this machine. */
    static @Nullable String living(FileSystem fs, Path state) throws IOException {
        return holders(fs, state).stream()
                .filter(holder -> holder.isAlive(System.currentTimeMillis()))
                .map(Holder::shown)
                .findFirst()
                .orElse(null);
    }

    /** All claims, dead ones too, by name. */
    private static List<Holder> holders(FileSystem fs, Path state) throws IOException {
        try {
            return Stream.of(fs.listStatus(new Path(state, FOLDER)))
                    .filter(FileStatus::isDirectory)
                    .map(folder -> holder(fs, folder))
                    .filter(holder -> holder.seen >= 0)
                    .sorted(Comparator.comparing(Holder::claim))
                    .toList();
        } catch (FileNotFoundException e) {
            return List.of();
        }
    }

    private static Holder holder(FileSystem fs, FileStatus folder) {
        Path claim = folder.getPath();
        long seen = folder.getModificationTime();
        try {
            for (FileStatus file : fs.listStatus(claim)) {
                seen = Math.max(seen, file.getModificationTime());
            }
        } catch (FileNotFoundException e) {
            return new Holder(claim, "", "", 0, "", -1); // released meanwhile
        } catch (IOException e) {
            // The folder's own time tells.
        }
        String[] words = claim.getName().split(",", -1);
        try {
            if (words.length == 5) {
                Instant began = Instant.ofEpochSecond(Long.parseLong(words[2]));
                return new Holder(claim, words[3], words[4], Long.parseLong(words[1]), began.toString(), seen);
            }
        } catch (NumberFormatException | DateTimeException e) {
            // Not a name that kvscale gives. The lease tells whether it lives.
        }
        return new Holder(claim, "unknown", "unknown", 0, "an unknown time", seen);
    }

    /** A part of a file's name. */
    private static String word(String text) {
        String safe = text.replaceAll("[^A-Za-z0-9._@-]", "_");
        return safe.substring(0, Math.min(safe.length(), MAX_WORD));
    }

    private static void sleep() {
        try {
            TimeUnit.MILLISECONDS.sleep(100);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Releases the lock. */
    @Override
    public void close() throws IOException {
        lease.stop();
        fs.delete(claim, true);
    }
}
