package io.kvscale.input;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.fs.ftp.FTPException;

/**
 * Lists the files of inputs without opening them. An input is a folder, which is walked recursively, a file, or a Hadoop
 * glob, whose matches are treated like the entries of a folder. A file that is found twice counts once.
 */
public final class InputWalk {
    private static final int MAX_DEPTH = 64;
    private static final String GLOB = "{}[]*?";

    private final List<String> inputs;
    private final Predicate<String> taken;
    private final String option;
    private final Configuration configuration;
    private final List<InputFile> files = new ArrayList<>();
    private final Set<Path> seen = new HashSet<>();
    /** The folders that are being listed, without links. */
    private final Set<String> open = new HashSet<>();

    private final Predicate<String> beside;
    private long skipped;

    /**
     * @param inputs if there are several, names of files begin with the input's last folder
     * @param taken whether a file in a folder is an input, by its name; a file that is an input itself always is
     * @param option the option that gives the inputs, for messages
     */
    public InputWalk(List<String> inputs, Predicate<String> taken, String option, Configuration configuration) {
        this(inputs, taken, name -> false, option, configuration);
    }

    /** @param beside whether a file lies beside inputs on purpose, by its name: it is not counted as skipped */
    public InputWalk(
            List<String> inputs,
            Predicate<String> taken,
            Predicate<String> beside,
            String option,
            Configuration configuration) {
        this.beside = beside;
        this.inputs = inputs;
        this.taken = taken;
        this.option = option;
        this.configuration = configuration;
    }

    /**
     * Lists all inputs.
     *
     * @param extensions of the files that are taken, for the error that there are none
     * @param remedy for that error
     * @return the files in the order of their names' UTF-8 bytes
     * @throws InvalidDataException if an input does not exist or cannot be listed, or no file is found
     */
    public List<InputFile> list(String extensions, String remedy) {
        forEachInput(this::walk);
        if (files.isEmpty()) {
            throw new InvalidDataException(
                    "no " + extensions + " file in " + DataProblem.shown(String.join(", ", inputs))
                            + (skipped > 0 ? " (" + skipped + " other files)" : ""),
                    remedy);
        }
        return files.stream()
                .sorted(Comparator.comparing(InputFile::name, Sample::compareUtf8))
                .toList();
    }

    /**
     * Checks that all inputs exist, without listing them.
     *
     * @throws InvalidDataException if one does not
     */
    public void check() {
        forEachInput(input -> {
            Path path = path(input);
            found(input, path, path.getFileSystem(configuration));
        });
    }

    private interface Visit {
        void input(String input) throws IOException;
    }

    /** Adds the input to the error of a file system. */
    private void forEachInput(Visit visit) {
        for (String input : inputs) {
            try {
                visit.input(input);
            } catch (IOException | FTPException e) {
                throw new InvalidDataException(
                        "input " + DataProblem.shown(input) + " cannot be listed: " + ReadFailure.reason(e),
                        "check " + option + ", and that this machine can reach the file system",
                        e);
            }
        }
    }

    /** Number of files in folders that were not taken, without hidden files. */
    public long skipped() {
        return skipped;
    }

    private void walk(String input) throws IOException {
        Path path = path(input);
        FileSystem fs = path.getFileSystem(configuration);
        FileStatus[] found = found(input, path, fs);
        boolean glob = isGlob(path.toString());
        Path root = fs.makeQualified(root(path, found));
        for (FileStatus status : found) {
            if (glob) {
                entry(fs, status, root, 0);
            } else if (status.isDirectory()) {
                folder(fs, status.getPath(), root, 0);
            } else {
                file(fs, status, root);
            }
        }
    }

    private FileStatus[] found(String input, Path path, FileSystem fs) throws IOException {
        FileStatus[] found;
        try {
            found = isGlob(path.toString()) ? fs.globStatus(path) : new FileStatus[] {fs.getFileStatus(path)};
        } catch (FileNotFoundException e) {
            found = null;
        } catch (IllegalArgumentException e) {
            throw new InvalidDataException(
                    "input " + DataProblem.shown(input) + " cannot be listed: "
                            + DataProblem.shown(String.valueOf(e.getMessage())),
                    "give the folder or the files instead: Hadoop globs cannot match names with a colon",
                    e);
        }
        if (found == null || found.length == 0) {
            throw new InvalidDataException("input " + DataProblem.shown(input) + " does not exist", "check " + option);
        }
        return found;
    }

    private static boolean isGlob(String path) {
        return path.chars().anyMatch(c -> GLOB.indexOf(c) >= 0);
    }

    private Path path(String input) {
        try {
            return new Path(input);
        } catch (IllegalArgumentException e) {
            throw new InvalidDataException(
                    "input '" + DataProblem.shown(input) + "' is not a path", "check " + option, e);
        }
    }

    /** The folder that names are relative to: the input folder, a file's folder, or a glob's folders before a wildcard. */
    private static Path root(Path path, FileStatus[] found) {
        Path root = path;
        boolean glob = false;
        for (Path p = path; p != null; p = p.getParent()) {
            if (isGlob(p.getName())) {
                root = p.getParent();
                glob = true;
            }
        }
        Path result = !glob && found[0].isFile() ? root.getParent() : root;
        return result == null ? new Path("/") : result;
    }

    private void folder(FileSystem fs, Path folder, Path root, int depth) throws IOException {
        if (depth > MAX_DEPTH) {
            throw new InvalidDataException(
                    "folder " + folder + " is nested more than " + MAX_DEPTH + " deep", "check for a loop of links");
        }
        checkLocale(fs, folder);
        String real = real(fs, folder);
        if (!open.add(real)) {
            throw new InvalidDataException(
                    "folder " + DataProblem.shown(folder.toString()) + " is a link to a folder that holds it",
                    "remove the link: its files would count again and again");
        }
        RemoteIterator<FileStatus> entries = fs.listStatusIterator(folder);
        while (entries.hasNext()) {
            entry(fs, entries.next(), root, depth + 1);
        }
        open.remove(real);
    }

    /** The path without links, for a local folder. */
    private static String real(FileSystem fs, Path folder) throws IOException {
        File local = RegularFile.local(fs, folder);
        return local == null ? folder.toString() : local.getCanonicalPath();
    }

    /** Java cannot open files whose names its locale cannot encode, and Hadoop then skips them silently. */
    private static void checkLocale(FileSystem fs, Path folder) {
        if (fs instanceof LocalFileSystem local && !"UTF-8".equalsIgnoreCase(System.getProperty("sun.jnu.encoding"))) {
            String[] names = local.pathToFile(folder).list();
            if (names != null && Arrays.stream(names).anyMatch(n -> n.chars().anyMatch(c -> c > 0x7e))) {
                throw new InvalidDataException(
                        "folder " + folder + " holds file names that the locale of this process cannot encode",
                        "set LC_ALL=C.UTF-8 for the driver and the executors");
            }
        }
    }

    /** Adds an entry of a folder: hidden ones are ignored, files that are not taken are counted as skipped. */
    private void entry(FileSystem fs, FileStatus status, Path root, int depth) throws IOException {
        String name = status.getPath().getName();
        if (name.startsWith(".") || name.startsWith("_")) {
            return;
        }
        if (status.isDirectory()) {
            folder(fs, status.getPath(), root, depth);
        } else if (taken.test(name)) {
            file(fs, status, root);
        } else if (!beside.test(name)) {
            skipped++;
        }
    }

    private void file(FileSystem fs, FileStatus status, Path root) {
        Path path = status.getPath();
        if (!seen.add(path)) {
            return;
        }
        checkRegular(fs, path);
        String below = path.toUri().getPath();
        String base = root.toUri().getPath();
        String name = below.substring(base.endsWith("/") ? base.length() : base.length() + 1);
        String folder = root.getName().isEmpty() ? "root" : root.getName();
        files.add(InputFile.of(status, inputs.size() > 1 ? folder + "/" + name : name, folder));
    }

    /** A file that would be skipped silently could be the one that matters, so it is an error. */
    private static void checkRegular(FileSystem fs, Path path) {
        try {
            RegularFile.check(fs, path);
        } catch (UnusableFileException e) {
            throw new InvalidDataException(e.problem().inFile(path.toUri().getPath()), e);
        }
    }

    /** @throws InvalidDataException if two files have the same name without extension, and so the same sample name */
    public static void checkNames(List<InputFile> files) {
        Map<String, InputFile> samples = new HashMap<>();
        for (InputFile file : files) {
            InputFile other = samples.put(file.stem(), file);
            if (other != null) {
                throw new InvalidDataException(
                        "two files have the sample name '" + DataProblem.shown(file.stem()) + "': "
                                + DataProblem.shown(other.path()) + " and " + DataProblem.shown(file.path()),
                        folder(file).equals(folder(other))
                                ? "rename one, or leave one out"
                                : "rename one, or give a folder above both as input");
            }
        }
    }

    private static String folder(InputFile file) {
        return file.path().substring(0, file.path().lastIndexOf('/') + 1);
    }
}
