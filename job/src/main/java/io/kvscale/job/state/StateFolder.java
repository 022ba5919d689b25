package io.kvscale.job.state;

import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.ReadFailure;
import io.kvscale.job.export.InputOverlap;
import io.kvscale.job.export.OutputException;
import io.kvscale.tensor.DataProblem;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
import org.jspecify.annotations.Nullable;

/**
 * A state that this run alone writes: {@code --state}. It keeps what tasks found in groups of files, under the identity of
 * the files and of what was looked for.
 */
public final class StateFolder implements Closeable {
    private final String name;
    private final StateFiles files;
    private final StateLock lock;
    private final SortedMap<String, String> damaged = Collections.synchronizedSortedMap(new TreeMap<>());

    private StateFolder(String name, StateFiles files, StateLock lock) {
        this.name = name;
        this.files = files;
        this.lock = lock;
    }

    /**
     * Opens a state, or makes a new one where nothing is.
     *
     * @throws OutputException if the folder holds something else, another run uses it, or it cannot be written
     */
    public static StateFolder open(String folder, Configuration configuration) {
        StateFiles files = null;
        try {
            files = StateFiles.of(folder, configuration);
            if (isNew(files)) {
                files.mark();
            }
            StateLock lock = StateLock.take(files.fs(), files.folder());
            StateFolder state = new StateFolder(folder, files, lock);
            for (FileStatus file : files.leftovers()) {
                files.fs().delete(file.getPath(), false);
            }
            return state;
        } catch (IOException | IllegalArgumentException | FSError e) {
            closeQuietly(files);
            throw unusable(folder, e);
        } catch (OutputException e) {
            closeQuietly(files);
            throw e;
        }
    }

    /**
     * Checks that a folder is that of a state, or can become one, and lies apart from the inputs. Writes nothing.
     *
     * @throws OutputException if it is not
     */
    public static void check(String folder, List<String> inputs, Configuration configuration) {
        try (StateFiles files = StateFiles.of(folder, configuration)) {
            InputOverlap.check(files.fs(), files.folder(), "state", "--state", inputs, configuration);
            isNew(files);
        } catch (IOException | IllegalArgumentException | FSError e) {
            throw unusable(folder, e);
        }
    }

    private static OutputException unusable(String folder, Throwable e) {
        return new OutputException(
                "the state folder " + DataProblem.shown(folder) + " cannot be used: " + ReadFailure.reason(e)
                        + "\n  check free space and permissions, or name another folder with --state",
                e);
    }

    private static boolean isNew(StateFiles files) throws IOException {
        if (files.isState()) {
            return false;
        }
        if (files.fs().exists(files.folder()) && files.fs().listStatus(files.folder()).length > 0) {
            throw new OutputException("the state folder " + files.folder() + " holds other files than a state"
                    + "\n  name an empty folder, or one that does not exist, with --state");
        }
        return true;
    }

    private static void closeQuietly(@Nullable Closeable files) {
        if (files != null) {
            try {
                files.close();
            } catch (IOException e) {
                // The error that is reported came before.
            }
        }
    }

    StateFiles files() {
        return files;
    }

    /** The whole path of the folder, for tasks. */
    public String path() {
        return files.folder().toString();
    }

    /** The folder as it was named. */
    public String name() {
        return name;
    }

    /**
     * Finds the groups that stand for unchanged files, and plans the rest. Reads the headers of groups only.
     *
     * @param listed in the order of their names
     * @param partitions least number of new groups; 0: enough for every core
     * @throws OutputException if the folder cannot be read
     */
    public GroupPlan plan(Observation observation, List<InputFile> listed, int partitions, int cores) {
        List<KeptGroup> kept = new ArrayList<>();
        try {
            files.groups(StateFiles.prefix(observation)).parallelStream().map(this::header).toList().stream()
                    .filter(group ->
                            group != null && group.observation().digest().equals(observation.digest()))
                    .forEach(kept::add);
        } catch (IOException e) {
            throw new OutputException(
                    "the state folder " + DataProblem.shown(name) + " cannot be read: " + ReadFailure.reason(e)
                            + "\n  check its permissions, or name another folder with --state",
                    e);
        }
        return GroupPlan.of(listed, kept, partitions, cores);
    }

    /** Null for a group that cannot be used. */
    private @Nullable KeptGroup header(FileStatus file) {
        try {
            return files.header(file);
        } catch (IOException | FSError e) {
            String group = file.getPath().getName();
            damaged(group, ReadFailure.reason(e));
            if (e instanceof DamagedGroupException found && !found.isNewer()) {
                remove(group);
            }
            return null;
        }
    }

    /**
     * Keeps what the driver itself found in files.
     *
     * @return whether the state could be written
     */
    public boolean keep(Observation observation, List<FilePiece> pieces, byte[] content) {
        try {
            files.write(observation, pieces, content);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** Removes the file of a group that is of no use any more. */
    public void remove(String group) {
        try {
            files.delete(group);
        } catch (IOException e) {
            // It stays, and is of no use to later runs either.
        }
    }

    /** Records that the file of a group cannot be used. */
    public void damaged(String group, String reason) {
        damaged.put(group, reason);
    }

    /** A notice of the groups that could not be used; empty if all could. */
    public List<String> notices() {
        synchronized (damaged) {
            if (damaged.isEmpty()) {
                return List.of();
            }
            String first = damaged.firstKey();
            return List.of((damaged.size() == 1 ? "a group" : damaged.size() + " groups") + " of the state "
                    + DataProblem.shown(name) + " cannot be used, and its files were read again: " + first + " ("
                    + damaged.get(first) + (damaged.size() == 1 ? ")" : "), ..."));
        }
    }

    /** Releases the state for other runs. */
    @Override
    public void close() {
        closeQuietly(lock);
        closeQuietly(files);
    }
}
