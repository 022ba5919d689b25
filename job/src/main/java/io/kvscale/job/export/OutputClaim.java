package io.kvscale.job.export;

import io.kvscale.tensor.DataProblem;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Arrays;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * The options that ask for an output folder, and what they allow.
 *
 * @param option the option that named the folder
 * @param results the paths of files that a replaced folder may hold; empty for a folder of captures at any depth
 */
record OutputClaim(String option, boolean overwrite, Set<String> results) {
    static final String SUCCESS = "_SUCCESS";
    /** A listing lacks files if another run replaces the folder meanwhile, so that one alone proves nothing. */
    private static final int LISTINGS = 20;

    /** Every result has one of these. */
    private static final Set<String> PROOFS = Set.of("kv_scales.json", "evaluation.json");

    private static final String CAPTURE = ".safetensors";
    private static final Pattern TEMPORARY = Pattern.compile("\\._[0-9a-f-]{36}");

    /**
     * Checks that nothing is there, or only what may be replaced.
     *
     * @param since why the folder exists, for the message
     * @return whether there is a folder to replace
     * @throws OutputException if the folder must stay as it is
     */
    boolean replaces(FileSystem fs, Path target, String since) throws IOException {
        try {
            FileStatus status = fs.getFileStatus(target);
            String kind = results.isEmpty() ? "captures" : "kvscale results";
            if (!status.isDirectory()) {
                throw new OutputException(
                        "the output folder " + shown(target) + " is a file\n  name another folder with " + option);
            }
            if (!overwrite) {
                throw new OutputException("the output folder " + shown(target) + " " + since
                        + "\n  name another folder with " + option + ", or add --overwrite");
            }
            String foreign = foreign(fs, target);
            foreign = foreign == null ? unproven(fs, target) : foreign;
            if (foreign != null) {
                throw new OutputException("the output folder " + shown(target) + " holds files other than " + kind
                        + ": " + DataProblem.shown(foreign) + "\n  name another folder with " + option
                        + "; --overwrite replaces only a folder of " + kind);
            }
            return true;
        } catch (FileNotFoundException e) {
            return false; // also if another run moved it away meanwhile
        }
    }

    /**
     * The first file that only has the name of one of ours: in a folder without any scale table or evaluation, or a
     * safetensors file that is no capture. Null if there is none.
     */
    private @Nullable String unproven(FileSystem fs, Path folder) throws IOException {
        String found = inListing(fs, folder);
        for (int i = 1; i < LISTINGS && found != null; i++) {
            found = inListing(fs, folder);
        }
        return found;
    }

    private @Nullable String inListing(FileSystem fs, Path folder) throws IOException {
        FileStatus[] content = fs.listStatus(folder);
        Arrays.sort(content);
        if (!results.isEmpty()
                && Arrays.stream(content)
                        .anyMatch(file -> PROOFS.contains(file.getPath().getName()))) {
            return null;
        }
        for (FileStatus status : content) {
            String name = status.getPath().getName();
            if (status.getPath().equals(folder)) {
                throw new FileNotFoundException(folder.toString()); // as in foreign
            }
            String found = status.isDirectory()
                    ? inListing(fs, status.getPath())
                    : isMark(name)
                                    || TEMPORARY.matcher(name).matches()
                                    || results.isEmpty() && SavedCapture.is(fs, status)
                            ? null
                            : name;
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    /** The first path in an existing folder that kvscale did not write; null if there is none. */
    @Nullable
    String foreign(FileSystem fs, Path folder) throws IOException {
        return foreign(fs, folder, "");
    }

    private @Nullable String foreign(FileSystem fs, Path folder, String prefix) throws IOException {
        FileStatus[] content = fs.listStatus(folder);
        Arrays.sort(content);
        for (FileStatus status : content) {
            if (status.getPath().equals(folder)) {
                // Hadoop lists a local folder as a file when another run moves it away meanwhile.
                throw new FileNotFoundException(folder.toString());
            }
            String name = prefix + status.getPath().getName();
            // A folder in a result that is a link is not ours: its files are elsewhere.
            boolean isFolder = status.isDirectory() && !FolderMover.isLink(status.getPath());
            // Where a rename is not atomic, a run that ended at the same time may be killed with its folder in here.
            boolean isStaging = isFolder && Leftovers.isStaging(name);
            if (isFolder ? !isStaging && !mayHold(name) : !isResult(status, name)) {
                return name;
            }
            String found = isFolder ? foreign(fs, status.getPath(), isStaging ? "" : name + "/") : null;
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    private boolean mayHold(String folder) {
        return results.isEmpty() || results.stream().anyMatch(name -> name.startsWith(folder + "/"));
    }

    private boolean isResult(FileStatus status, String name) {
        return !status.isDirectory()
                && (isMark(name)
                        || (results.isEmpty() ? isCapture(status.getPath().getName()) : results.contains(name)));
    }

    /** Whether a file says something about its folder, not about scales or captures. */
    private static boolean isMark(String name) {
        return name.equals(SUCCESS) || name.equals(Lease.FILE);
    }

    /** Tasks write a capture under a hidden name first. */
    private static boolean isCapture(String name) {
        return name.endsWith(CAPTURE) || TEMPORARY.matcher(name).matches();
    }

    static String shown(Path path) {
        return FolderMover.isLocal(path) ? path.toUri().getPath() : path.toString();
    }
}
