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
 * @param results the paths of files that a replaced folder of results may hold
 */
record OutputClaim(String option, boolean overwrite, Content content, Set<String> results) {
    /** What a folder holds. */
    enum Content {
        RESULTS("kvscale results"),
        /** Captures at any depth. */
        CAPTURES("captures"),
        /** The files that its own {@link ExportRecord} lists. */
        EXPORT("exported files");

        private final String words;

        Content(String words) {
            this.words = words;
        }
    }

    OutputClaim(String option, boolean overwrite, Content content) {
        this(option, overwrite, content, Set.of());
    }

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
            String kind = content.words;
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
        if (content == Content.EXPORT) {
            return null; // a folder without a record holds no listed file
        }
        String found = inListing(fs, folder);
        for (int i = 1; i < LISTINGS && found != null; i++) {
            found = inListing(fs, folder);
        }
        return found;
    }

    private @Nullable String inListing(FileSystem fs, Path folder) throws IOException {
        FileStatus[] listing = fs.listStatus(folder);
        Arrays.sort(listing);
        if (content == Content.RESULTS
                && Arrays.stream(listing)
                        .anyMatch(file -> PROOFS.contains(file.getPath().getName()))) {
            return null;
        }
        for (FileStatus status : listing) {
            String name = status.getPath().getName();
            if (status.getPath().equals(folder)) {
                throw new FileNotFoundException(folder.toString()); // as in foreign
            }
            String found = status.isDirectory()
                    ? inListing(fs, status.getPath())
                    : isMark(name)
                                    || TEMPORARY.matcher(name).matches()
                                    || content == Content.CAPTURES && SavedCapture.is(fs, status)
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
        return foreign(fs, folder, "", content == Content.EXPORT ? ExportRecord.files(fs, folder) : results);
    }

    private @Nullable String foreign(FileSystem fs, Path folder, String prefix, Set<String> names) throws IOException {
        FileStatus[] listing = fs.listStatus(folder);
        Arrays.sort(listing);
        for (FileStatus status : listing) {
            if (status.getPath().equals(folder)) {
                // Hadoop lists a local folder as a file when another run moves it away meanwhile.
                throw new FileNotFoundException(folder.toString());
            }
            String name = prefix + status.getPath().getName();
            // A folder in a result that is a link is not ours: its files are elsewhere.
            boolean isLink = FolderMover.isLink(status.getPath());
            boolean isFolder = status.isDirectory() && !isLink;
            // Earlier versions of kvscale could leave one here.
            boolean isStaging = isFolder && Leftovers.isStaging(name);
            if (isFolder ? !isStaging && !mayHold(name, names) : !isOurs(status, name, names)) {
                return name;
            }
            String found = isFolder ? foreign(fs, status.getPath(), isStaging ? "" : name + "/", names) : null;
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    private boolean mayHold(String folder, Set<String> names) {
        return content == Content.CAPTURES
                || content == Content.RESULTS && StratumFiles.isFolder(folder)
                || names.stream().anyMatch(name -> name.startsWith(folder + "/"));
    }

    private boolean isOurs(FileStatus status, String name, Set<String> names) {
        return switch (content) {
            case RESULTS ->
                !status.isDirectory() && (isMark(name) || names.contains(name) || StratumFiles.isFile(name));
            case CAPTURES ->
                !status.isDirectory()
                        && (isMark(name) || isCapture(status.getPath().getName()));
            // A link to a folder of the model is one of the files.
            case EXPORT -> isMark(name) || names.contains(name);
        };
    }

    /** Whether a file says something about its folder, not about scales or captures. */
    private static boolean isMark(String name) {
        return name.equals(SUCCESS) || name.equals(Lease.FILE);
    }

    /** Tasks write a capture under a hidden name first. */
    private static boolean isCapture(String name) {
        return name.endsWith(CAPTURE) || TEMPORARY.matcher(name).matches();
    }

    /** Whether a file at the top of a folder proves that all other files are ours too. */
    boolean isProof(String name) {
        return switch (content) {
            case RESULTS -> PROOFS.contains(name);
            case CAPTURES -> false; // each proves itself
            case EXPORT -> name.equals(ExportRecord.FILE);
        };
    }

    static String shown(Path path) {
        return FolderMover.isLocal(path) ? path.toUri().getPath() : path.toString();
    }
}
