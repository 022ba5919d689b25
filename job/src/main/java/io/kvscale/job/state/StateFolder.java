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
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
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
        return OutputException.refused(
                "the state folder " + DataProblem.shown(folder) + " cannot be used", e, "folder with --state");
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
        return GroupPlan.of(listed, kept(observation, group -> {}), partitions, cores);
    }

    /**
     * Finds the groups that stand for batches of texts, and plans the rest. Reads all of the groups: tasks that take them
     * cannot run their texts instead.
     *
     * @param planned in the order in which new groups are cut
     * @param check throws a {@link RuntimeException} for content that cannot be used
     * @param partitions about the number of new groups at least; 0: enough for every core
     * @throws OutputException if the folder cannot be read
     */
    public TextPlan planTexts(
            Observation observation, List<KeptBatch> planned, Consumer<byte[]> check, int partitions, int cores) {
        return TextPlan.of(planned, kept(observation, group -> check.accept(files.read(group))), partitions, cores);
    }

    /** Looks at the content of a group, by the name of its file. */
    private interface Check {
        void accept(String group) throws IOException;
    }

    private List<KeptGroup> kept(Observation observation, Check check) {
        List<KeptGroup> kept = new ArrayList<>();
        try {
            files.groups(StateFiles.prefix(observation)).parallelStream()
                    .map(file -> usable(file, observation, check))
                    .toList()
                    .stream()
                    .filter(Objects::nonNull)
                    .forEach(kept::add);
        } catch (IOException e) {
            throw new OutputException(
                    "the state folder " + DataProblem.shown(name) + " cannot be read: " + ReadFailure.reason(e)
                            + "\n  check its permissions, or name another folder with --state",
                    e);
        }
        return kept;
    }

    /** Null for a group that cannot be used, or of another observation. */
    private @Nullable KeptGroup usable(FileStatus file, Observation observation, Check check) {
        String name = file.getPath().getName();
        try {
            KeptGroup group = files.header(file);
            if (!group.observation().digest().equals(observation.digest())) {
                return null;
            }
            check.accept(name);
            return group;
        } catch (IOException | RuntimeException | FSError e) {
            damaged(name, ReadFailure.reason(e));
            if (e instanceof DamagedGroupException found ? !found.isNewer() : e instanceof RuntimeException) {
                remove(name);
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

    /**
     * A notice of the groups that could not be used; empty if all could.
     *
     * @param anew what was done instead
     */
    public List<String> notices(String anew) {
        synchronized (damaged) {
            if (damaged.isEmpty()) {
                return List.of();
            }
            String first = damaged.firstKey();
            return List.of((damaged.size() == 1 ? "a group" : damaged.size() + " groups") + " of the state "
                    + DataProblem.shown(name) + " cannot be used, and " + anew + ": " + first + " ("
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
