package io.kvscale.job.state;

import io.kvscale.input.FilePiece;
import io.kvscale.input.FileVersion;
import io.kvscale.input.ReadFailure;
import io.kvscale.job.export.OutputException;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/** What a state folder holds, for people, and its care. */
public final class StateStore {
    private StateStore() {}

    /**
     * What a state holds.
     *
     * @param groups those that can be used
     * @param unusable files of other groups, each with the reason
     * @param leftovers number of files that killed runs left
     * @param holder the run that uses it, in words; null for none
     */
    public record Content(
            List<KeptGroup> groups,
            SortedMap<String, String> unusable,
            int leftovers,
            @Nullable String holder) {}

    /**
     * Reads the headers of all groups.
     *
     * @param verify whether to read all of every file, and check its checksum
     * @throws InvalidDataException if the folder is not that of a state, or cannot be read
     */
    public static Content read(String folder, boolean verify, Configuration configuration) {
        try (StateFiles files = StateFiles.of(folder, configuration)) {
            if (!files.isState()) {
                throw new InvalidDataException(DataProblem.of(
                                "this is not the folder of a state", "name the folder that calibrate --state wrote")
                        .inFile(folder));
            }
            return content(files, verify);
        } catch (IOException | IllegalArgumentException | FSError e) {
            throw new InvalidDataException(
                    DataProblem.of("the state cannot be read: " + ReadFailure.reason(e), "check the path")
                            .inFile(folder),
                    e);
        }
    }

    private static Content content(StateFiles files, boolean verify) throws IOException {
        List<KeptGroup> groups = new ArrayList<>();
        SortedMap<String, String> unusable = new TreeMap<>();
        for (FileStatus file : files.groups("")) {
            String name = file.getPath().getName();
            try {
                KeptGroup group = files.header(file);
                if (verify) {
                    files.read(name);
                }
                groups.add(group);
            } catch (DamagedGroupException e) {
                unusable.put(name, String.valueOf(e.getMessage()));
            } catch (FileNotFoundException e) {
                // A run replaced it meanwhile.
            }
        }
        String holder = StateLock.living(files.fs(), files.folder());
        return new Content(groups, unusable, files.leftovers().size(), holder);
    }

    /**
     * Removes the groups that no run can use again: one of their files is gone or changed, or they are damaged. What killed
     * runs left is removed too. Groups of a newer version stay.
     *
     * @param verify whether to look for damage in all of every file, not only in its header
     * @return the names of the files that were removed, each with the reason
     * @throws OutputException if a run uses the state, or something cannot be removed
     * @throws InvalidDataException as {@link #read}
     */
    public static SortedMap<String, String> prune(String folder, boolean verify, Configuration configuration) {
        read(folder, false, configuration);
        SortedMap<String, String> removed = new TreeMap<>();
        try (StateFolder state = StateFolder.open(folder, configuration)) {
            StateFiles files = state.files();
            Map<Path, Map<String, FileVersion>> listings = new HashMap<>();
            for (FileStatus file : files.groups("")) {
                String reason = reason(files, file, verify, listings, configuration);
                if (reason != null) {
                    files.delete(file.getPath().getName());
                    removed.put(file.getPath().getName(), reason);
                }
            }
            return removed;
        } catch (IOException e) {
            throw new OutputException(
                    "the state folder " + DataProblem.shown(folder) + " cannot be pruned: " + ReadFailure.reason(e)
                            + "\n  check permissions, also those of the captures",
                    e);
        }
    }

    /** Why no run can use a group again; null if one can. */
    private static @Nullable String reason(
            StateFiles files,
            FileStatus file,
            boolean verify,
            Map<Path, Map<String, FileVersion>> listings,
            Configuration configuration)
            throws IOException {
        KeptGroup group;
        try {
            group = files.header(file);
            if (verify) {
                files.read(group.file());
            }
        } catch (DamagedGroupException e) {
            return e.isNewer() ? null : String.valueOf(e.getMessage());
        }
        for (FilePiece piece : group.pieces()) {
            Path path = new Path(piece.file().path());
            Map<String, FileVersion> folder = listings.get(path.getParent());
            if (folder == null) {
                folder = versions(path.getParent(), configuration);
                listings.put(path.getParent(), folder);
            }
            FileVersion now = folder.get(path.getName());
            if (now == null || !now.isSameAs(piece.file().version())) {
                return DataProblem.shown(path.toString()) + (now == null ? " is gone" : " has changed");
            }
        }
        return null;
    }

    private static Map<String, FileVersion> versions(Path folder, Configuration configuration) throws IOException {
        Map<String, FileVersion> versions = new HashMap<>();
        try {
            FileSystem fs = folder.getFileSystem(configuration);
            for (FileStatus file : fs.listStatus(folder)) {
                try {
                    versions.put(file.getPath().getName(), FileVersion.of(file).withChange(fs, file.getPath()));
                } catch (NoSuchFileException e) {
                    // It is gone since the folder was listed.
                }
            }
        } catch (FileNotFoundException e) {
            // All its files are gone.
        }
        return versions;
    }
}
