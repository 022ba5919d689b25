package io.kvscale.capture;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.jspecify.annotations.Nullable;

/**
 * The files of a corpus: found by listing alone, none is opened.
 *
 * @param files in the order of their names' UTF-8 bytes
 * @param skipped files passed over because they are not captures, hidden ones not counted
 * @param parquet whether the files are Parquet, which Spark reads as one table; else each is a capture
 */
public record CaptureListing(List<CaptureFile> files, long skipped, boolean parquet) {
    /** What is looked for in folders where no format is named, beside Parquet. */
    private static final Set<InputFormat> CAPTURES = Set.of(InputFormat.SAFETENSORS, InputFormat.ARROW);

    private static final int MAX_DEPTH = 64;
    private static final String GLOB = "{}[]*?";

    public long bytes() {
        return files.stream().mapToLong(CaptureFile::length).sum();
    }

    /**
     * Captures that are read one by one; Parquet files in folders are passed over.
     *
     * @throws InvalidDataException if an input does not exist, nothing is found, or two files have the same name
     */
    public static CaptureListing of(List<String> inputs, Configuration configuration) {
        CaptureListing listing = of(inputs, CAPTURES, configuration);
        checkNames(listing.files);
        return listing;
    }

    /**
     * Captures, or a table in Parquet files.
     *
     * @param format of the files to take from folders; null: whichever is there
     * @throws InvalidDataException as {@link #of(List, Configuration)} does, or if Parquet files lie among captures
     */
    public static CaptureListing of(List<String> inputs, @Nullable InputFormat format, Configuration configuration) {
        CaptureListing listing = of(inputs, taken(format), configuration);
        if (isParquet(listing.files, format)) {
            return new CaptureListing(listing.files, listing.skipped, true);
        }
        checkNames(listing.files);
        return listing;
    }

    /**
     * Lists folders recursively, what globs (Hadoop's) find as if it were a folder's, and files named by themselves.
     *
     * @throws InvalidDataException if an input does not exist, or nothing is found
     */
    private static CaptureListing of(List<String> inputs, Set<InputFormat> taken, Configuration configuration) {
        Walk walk = new Walk(inputs.size() > 1, taken);
        forEach(inputs, input -> walk.input(input, configuration));
        walk.files.sort(Comparator.comparing(CaptureFile::name, Sample::compareUtf8));
        if (walk.files.isEmpty()) {
            throw problem(
                    "no " + words(taken) + " file in " + shown(inputs)
                            + (walk.skipped > 0 ? " (" + walk.skipped + " other files)" : ""),
                    "point --input, or the source's path, at a folder of captures, or name the files themselves");
        }
        return new CaptureListing(walk.files, walk.skipped, false);
    }

    /**
     * Looks whether inputs are there, for whoever lists them in another way.
     *
     * @throws InvalidDataException if one does not exist
     */
    public static void check(List<String> inputs, Configuration configuration) {
        forEach(inputs, input -> {
            Path path = Walk.path(input);
            Walk.found(input, path, path.getFileSystem(configuration));
        });
    }

    /** Something done with one input. */
    private interface Visit {
        void input(String input) throws IOException;
    }

    private static void forEach(List<String> inputs, Visit visit) {
        for (String input : inputs) {
            try {
                visit.input(input);
            } catch (IOException e) {
                throw new InvalidDataException(
                        DataProblem.of(
                                "input " + DataProblem.shown(input) + " cannot be listed: " + e.getMessage(),
                                "check --input, or the source's path, and that this machine can reach it"),
                        e);
            }
        }
    }

    private static Set<InputFormat> taken(@Nullable InputFormat format) {
        Set<InputFormat> all = new TreeSet<>(CAPTURES);
        all.add(InputFormat.PARQUET);
        return format == null ? all : Set.of(format);
    }

    /** The ends of the names of files that are taken from folders, for messages. */
    public static String words(@Nullable InputFormat format) {
        return words(taken(format));
    }

    private static String words(Set<InputFormat> formats) {
        List<String> words = formats.stream()
                .sorted()
                .flatMap(format -> format.extensions().stream())
                .toList();
        int last = words.size() - 1;
        return last == 0 ? words.get(0) : String.join(", ", words.subList(0, last)) + " or " + words.get(last);
    }

    private static boolean isParquet(List<CaptureFile> files, @Nullable InputFormat format) {
        if (format != null) {
            return format == InputFormat.PARQUET;
        }
        Map<Boolean, CaptureFile> first = new HashMap<>();
        files.forEach(file ->
                first.putIfAbsent(InputFormat.ofFile(file.path()).equals(Optional.of(InputFormat.PARQUET)), file));
        CaptureFile table = first.get(true);
        CaptureFile capture = first.get(false);
        if (table != null && capture != null) {
            throw problem(
                    "Parquet files lie among other captures: " + DataProblem.shown(table.path()) + " and "
                            + DataProblem.shown(capture.path()),
                    "calibrate on one kind: name it with --input-format, or point --input at a folder of its own");
        }
        return table != null;
    }

    private static void checkNames(List<CaptureFile> files) {
        Map<String, CaptureFile> samples = new HashMap<>();
        for (CaptureFile file : files) {
            CaptureFile other = samples.put(file.sample(), file);
            if (other != null) {
                throw problem(
                        "two files have the sample name '" + DataProblem.shown(file.sample()) + "': "
                                + DataProblem.shown(other.path()) + " and " + DataProblem.shown(file.path()),
                        "rename one, or calibrate on a folder above both");
            }
        }
    }

    private static InvalidDataException problem(String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy));
    }

    private static String shown(List<String> inputs) {
        return DataProblem.shown(String.join(", ", inputs));
    }

    /** One walk over all inputs. */
    private static final class Walk {
        private final boolean several;
        private final Set<InputFormat> taken;
        private final List<CaptureFile> files = new ArrayList<>();
        private final Set<Path> seen = new HashSet<>();
        private long skipped;

        Walk(boolean several, Set<InputFormat> taken) {
            this.several = several;
            this.taken = taken;
        }

        void input(String input, Configuration configuration) throws IOException {
            Path path = path(input);
            FileSystem fs = path.getFileSystem(configuration);
            FileStatus[] found = found(input, path, fs);
            boolean glob = path.toString().chars().anyMatch(c -> GLOB.indexOf(c) >= 0);
            Path root = fs.makeQualified(root(path, found));
            for (FileStatus status : found) {
                if (glob) {
                    entry(fs, status, root, 0);
                } else if (status.isDirectory()) {
                    folder(fs, status.getPath(), root, 0);
                } else {
                    file(status, root);
                }
            }
        }

        private static FileStatus[] found(String input, Path path, FileSystem fs) throws IOException {
            FileStatus[] found = fs.globStatus(path);
            if (found == null || found.length == 0) {
                throw problem(
                        "input " + DataProblem.shown(input) + " does not exist", "check --input, or the source's path");
            }
            return found;
        }

        private static Path path(String input) {
            try {
                return new Path(input);
            } catch (IllegalArgumentException e) {
                throw new InvalidDataException(
                        DataProblem.of(
                                "input '" + DataProblem.shown(input) + "' is not a path",
                                "check --input, or the source's path"),
                        e);
            }
        }

        /** Names count from here: a folder itself, the folder of a file, the part of a glob before its wildcards. */
        private static Path root(Path path, FileStatus[] found) {
            Path root = path;
            boolean glob = false;
            for (Path p = path; p != null; p = p.getParent()) {
                if (p.getName().chars().anyMatch(c -> GLOB.indexOf(c) >= 0)) {
                    root = p.getParent();
                    glob = true;
                }
            }
            boolean file = !glob && found[0].isFile();
            Path result = file ? root.getParent() : root;
            return result == null ? new Path("/") : result;
        }

        private void folder(FileSystem fs, Path folder, Path root, int depth) throws IOException {
            if (depth > MAX_DEPTH) {
                throw problem("folder " + folder + " is nested more than " + MAX_DEPTH + " deep", "look for a loop");
            }
            checkLocale(fs, folder);
            RemoteIterator<FileStatus> entries = fs.listStatusIterator(folder);
            while (entries.hasNext()) {
                entry(fs, entries.next(), root, depth + 1);
            }
        }

        /** Java lists names that its locale cannot express but cannot open them, and Hadoop then passes them over. */
        private static void checkLocale(FileSystem fs, Path folder) {
            if (fs instanceof LocalFileSystem local
                    && !"UTF-8".equalsIgnoreCase(System.getProperty("sun.jnu.encoding"))) {
                String[] names = local.pathToFile(folder).list();
                if (names != null
                        && Arrays.stream(names).anyMatch(n -> n.chars().anyMatch(c -> c > 0x7e))) {
                    throw problem(
                            "folder " + folder + " holds names that the locale of this process cannot express",
                            "set LC_ALL=C.UTF-8 for the driver and the executors");
                }
            }
        }

        /** What was found and not named: hidden things are passed over, other files than captures counted. */
        private void entry(FileSystem fs, FileStatus status, Path root, int depth) throws IOException {
            String name = status.getPath().getName();
            if (name.startsWith(".") || name.startsWith("_")) {
                return;
            }
            if (status.isDirectory()) {
                folder(fs, status.getPath(), root, depth);
            } else if (InputFormat.ofFile(name).filter(taken::contains).isPresent()) {
                file(status, root);
            } else {
                skipped++;
            }
        }

        private void file(FileStatus status, Path root) throws FileNotFoundException {
            Path path = status.getPath();
            if (!seen.add(path)) {
                return;
            }
            String below = path.toUri().getPath();
            String base = root.toUri().getPath();
            String name = below.substring(base.endsWith("/") ? base.length() : base.length() + 1);
            String folder = root.getName().isEmpty() ? "root" : root.getName();
            files.add(new CaptureFile(path.toString(), several ? folder + "/" + name : name, folder, status.getLen()));
        }
    }
}
