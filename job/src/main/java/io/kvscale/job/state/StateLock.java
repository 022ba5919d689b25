package io.kvscale.job.state;

import io.kvscale.input.RegularFile;
import io.kvscale.job.export.Lease;
import io.kvscale.job.export.OutputException;
import io.kvscale.json.Json;
import io.kvscale.tensor.DataProblem;
import java.io.Closeable;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
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
 * <p>A run creates a folder of its own below {@code lock}, with its owner and a {@link Lease}, and then lists all of them.
 * Of two runs the second one to create its folder sees that of the first. Where both see each other, the one with the
 * smaller name waits, and the other one gives up.
 *
 * <p>The lock saves work. Nothing is damaged if two runs hold it, as after a pause of the first one: the files of groups
 * are written whole, and groups that overlap are not used together.
 */
final class StateLock implements Closeable {
    private static final String FOLDER = "lock";
    private static final String OWNER = "owner.json";
    private static final int MAX_OWNER_BYTES = 1 << 16;
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
            boolean here = host.equals(LocalHost.name());
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
        Path claim = new Path(new Path(state, FOLDER), UUID.randomUUID().toString());
        try (OutputStream out = fs.create(new Path(claim, OWNER), false)) {
            out.write(Json.bytes(Map.of(
                    "user",
                    System.getProperty("user.name", "unknown"),
                    "host",
                    LocalHost.name(),
                    "process",
                    ProcessHandle.current().pid(),
                    "began",
                    Instant.now().truncatedTo(ChronoUnit.SECONDS).toString())));
        }
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
            try (InputStream in = RegularFile.open(fs, new Path(claim, OWNER))) {
                var owner = Json.MAPPER.readTree(in.readNBytes(MAX_OWNER_BYTES));
                return new Holder(
                        claim,
                        owner.path("user").asText("unknown"),
                        owner.path("host").asText("unknown"),
                        owner.path("process").asLong(),
                        owner.path("began").asText("an unknown time"),
                        seen);
            }
        } catch (FileNotFoundException e) {
            return new Holder(claim, "", "", 0, "", -1); // released meanwhile
        } catch (IOException e) {
            return new Holder(claim, "unknown", "unknown", 0, "an unknown time", seen);
        }
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
