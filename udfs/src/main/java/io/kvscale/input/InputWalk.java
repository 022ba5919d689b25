package io.kvscale.input;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.fs.ftp.FTPException;
import org.apache.hadoop.util.functional.FutureIO;
import org.jspecify.annotations.Nullable;

/**
 * Lists the files of inputs without opening them. An input is a folder, which is walked recursively, a file, or a Hadoop
 * glob, whose matches are treated like the entries of a folder. A file that is found twice counts once.
 */
public final class InputWalk {
    private static final int MAX_DEPTH = 64;
    /** Number of folders that are listed at once. */
    private static final int THREADS = 16;
    /** Files of one folder between two reports. */
    private static final int TOLD = 1000;

    private static final String GLOB = "{}[]*?";

    private final List<String> inputs;
    private final Predicate<String> taken;
    private final String option;
    private final Configuration configuration;
    private final List<InputFile> files = new ArrayList<>();
    /** Paths of files, where inputs may overlap. */
    private final Set<String> seen = new HashSet<>();

    private final Predicate<String> beside;
    private final LongConsumer listed;
    private long skipped;

    /**
     * A folder to list.
     *
     * @param real the path without links, for a local folder
     * @param above the folder that it was found in; null for an input
     */
    private record Folder(
            FileSystem fs, Path path, String real, @Nullable Folder above, int depth) {
        boolean isWithin(String other) {
            return real.equals(other) || above != null && above.isWithin(other);
        }
    }

    /** What was found in a folder. */
    private static final class Found {
        final List<InputFile> files = new ArrayList<>();
        final List<Folder> folders = new ArrayList<>();
        long skipped;
    }

    /**
     * @param inputs if there are several, names of files begin with the input's last folder
     * @param taken whether a file in a folder is an input, by its name; a file that is an input itself always is
     * @param option the option that gives the inputs, for messages
     */
    public InputWalk(List<String> inputs, Predicate<String> taken, String option, Configuration configuration) {
        this(inputs, taken, name -> false, option, configuration, files -> {});
    }

    /**
     * As the other constructor.
     *
     * @param beside whether a file lies beside inputs on purpose, by its name: it is not counted as skipped
     * @param listed receives numbers of files as they are found, from several threads
     */
    public InputWalk(
            List<String> inputs,
            Predicate<String> taken,
            Predicate<String> beside,
            String option,
            Configuration configuration,
            LongConsumer listed) {
        this.listed = listed;
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
        files.sort(InputFile.BY_NAME);
        return List.copyOf(files);
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
        Found here = new Found();
        for (FileStatus status : found) {
            if (glob) {
                entry(fs, status, root, null, here);
            } else if (status.isDirectory()) {
                here.folders.add(folder(fs, status.getPath(), null));
            } else {
                file(fs, status, root, here);
            }
        }
        add(here, glob);
        below(here.folders, root, glob);
    }

    /** Lists folders and all below them. Object stores answer slowly, so folders of one depth are listed at once. */
    private void below(List<Folder> top, Path root, boolean glob) throws IOException {
        ExecutorService threads = Executors.newFixedThreadPool(THREADS, task -> {
            Thread thread = new Thread(task, "kvscale-listing");
            thread.setDaemon(true);
            return thread;
        });
        try {
            List<Folder> level = top;
            while (!level.isEmpty()) {
                List<Future<Found>> listings = new ArrayList<>();
                level.forEach(folder -> listings.add(threads.submit(() -> list(folder, root))));
                List<Folder> next = new ArrayList<>();
                for (Future<Found> listing : listings) {
                    Found found = FutureIO.awaitFuture(listing);
                    add(found, glob);
                    next.addAll(found.folders);
                }
                level = next;
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private void add(Found found, boolean glob) {
        skipped += found.skipped;
        if (inputs.size() > 1 || glob) {
            found.files.removeIf(file -> !seen.add(file.path()));
        }
        files.addAll(found.files);
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

    private static Folder folder(FileSystem fs, Path path, @Nullable Folder above) throws IOException {
        int depth = above == null ? 0 : above.depth + 1;
        if (depth > MAX_DEPTH) {
            throw new InvalidDataException(
                    "folder " + path + " is nested more than " + MAX_DEPTH + " deep", "check for a loop of links");
        }
        checkLocale(fs, path);
        String real = real(fs, path);
        if (above != null && above.isWithin(real)) {
            throw new InvalidDataException(
                    "folder " + DataProblem.shown(path.toString()) + " is a link to a folder that holds it",
                    "remove the link: its files would count again and again");
        }
        return new Folder(fs, path, real, above, depth);
    }

    private Found list(Folder folder, Path root) throws IOException {
        Found found = new Found();
        long told = 0;
        RemoteIterator<FileStatus> entries = folder.fs.listStatusIterator(folder.path);
        while (entries.hasNext()) {
            entry(folder.fs, entries.next(), root, folder, found);
            if (found.files.size() - told == TOLD) {
                listed.accept(TOLD);
                told += TOLD;
            }
        }
        listed.accept(found.files.size() - told);
        return found;
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
    private void entry(FileSystem fs, FileStatus status, Path root, @Nullable Folder above, Found to)
            throws IOException {
        String name = status.getPath().getName();
        if (name.startsWith(".") || name.startsWith("_")) {
            return;
        }
        if (status.isDirectory()) {
            to.folders.add(folder(fs, status.getPath(), above));
        } else if (taken.test(name)) {
            file(fs, status, root, to);
        } else if (!beside.test(name)) {
            to.skipped++;
        }
    }

    private void file(FileSystem fs, FileStatus status, Path root, Found to) {
        Path path = status.getPath();
        checkRegular(fs, path);
        String below = path.toUri().getPath();
        String base = root.toUri().getPath();
        String name = below.substring(base.endsWith("/") ? base.length() : base.length() + 1);
        String folder = root.getName().isEmpty() ? "root" : root.getName();
        InputFile before = to.files.isEmpty() ? null : to.files.get(to.files.size() - 1);
        to.files.add(InputFile.of(status, inputs.size() > 1 ? folder + "/" + name : name, folder, before));
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
        // Nearly all listings end here. A map of a million names takes a hundred megabytes, their hashes eight.
        long[] hashes = files.stream().mapToLong(InputWalk::stemHash).sorted().toArray();
        boolean differ = true;
        for (int i = 1; i < hashes.length; i++) {
            differ &= hashes[i] != hashes[i - 1];
        }
        if (differ) {
            return;
        }
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

    private static long stemHash(InputFile file) {
        String stem = file.stem();
        long hash = 0;
        for (int i = 0; i < stem.length(); i++) {
            hash = (hash ^ stem.charAt(i)) * 0x9e3779b97f4a7c15L;
            hash ^= hash >>> 32;
        }
        return hash;
    }

    private static String folder(InputFile file) {
        return file.path().substring(0, file.path().lastIndexOf('/') + 1);
    }
}
