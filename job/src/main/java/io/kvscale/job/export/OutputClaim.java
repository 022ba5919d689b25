package io.kvscale.job.export;

import io.kvscale.tensor.DataProblem;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.jspecify.annotations.Nullable;

/**
 * The options that ask for an output folder, and what they allow.
 *
 * @param option the option that named the folder
 * @param results the names that a replaced folder may hold; empty for a folder of captures at any depth
 */
record OutputClaim(String option, boolean overwrite, Set<String> results) {
    static final String SUCCESS = "_SUCCESS";
    private static final String CAPTURE = ".safetensors";

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

    /** The first name in an existing folder that kvscale did not write; null if there is none. */
    private @Nullable String foreign(FileSystem fs, Path folder) throws IOException {
        List<String> names = new ArrayList<>();
        if (results.isEmpty()) {
            RemoteIterator<LocatedFileStatus> files = fs.listFiles(folder, true);
            while (files.hasNext()) {
                names.add(files.next().getPath().getName());
            }
            names.removeIf(name -> name.endsWith(CAPTURE));
        } else {
            for (FileStatus status : fs.listStatus(folder)) {
                if (status.getPath().equals(folder)) {
                    // Hadoop lists a local folder as a file when another run moves it away meanwhile.
                    throw new FileNotFoundException(folder.toString());
                }
                names.add(status.getPath().getName());
            }
            // Where a rename is not atomic, a run that ended at the same time may be killed with its folder in here.
            names.removeIf(name -> results.contains(name) || Leftovers.isStaging(name));
        }
        return names.stream()
                .filter(name -> !name.equals(SUCCESS))
                .sorted()
                .findFirst()
                .orElse(null);
    }

    static String shown(Path path) {
        return FolderMover.isLocal(path) ? path.toUri().getPath() : path.toString();
    }
}
