package io.kvscale.job.merge;

import io.kvscale.input.ReadFailure;
import io.kvscale.input.RegularFile;
import io.kvscale.input.UnusableFileException;
import io.kvscale.job.checkpoint.Checkpoint;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** Lists what a model's folder holds. */
final class ModelEntries {
    /** Files about a folder, which the result has of its own. */
    private static final Set<String> MARKS = Set.of("_SUCCESS", "_lease", "kvscale-export.json");

    private static final int MAX_FILES = 100_000;
    /** Also ends the search where a link leads to a folder above it. */
    private static final int MAX_DEPTH = 8;

    private final Checkpoint model;
    private final boolean nested;
    private final SortedMap<String, Path> entries = new TreeMap<>();

    private ModelEntries(Checkpoint model, boolean nested) {
        this.model = model;
        this.nested = nested;
    }

    /**
     * The files and folders of a model by name, without hidden ones.
     *
     * @param nested whether to list the files of folders, with their paths, instead of the folders
     * @throws InvalidDataException for a link to nothing, a pipe, a device or a socket
     */
    static SortedMap<String, Path> of(Checkpoint model, boolean nested) {
        ModelEntries listing = new ModelEntries(model, nested);
        listing.add(model.folder().toAbsolutePath(), "", 0);
        return listing.entries;
    }

    private void add(Path folder, String prefix, int depth) {
        if (depth > MAX_DEPTH) {
            throw problem(
                    prefix, "folders are nested more than " + MAX_DEPTH + " deep", "remove them, or links to them");
        }
        try (DirectoryStream<Path> found = Files.newDirectoryStream(folder)) {
            for (Path path : found) {
                String name = path.getFileName().toString();
                if (name.startsWith(".") || prefix.isEmpty() && MARKS.contains(name)) {
                    continue;
                }
                if (nested && Files.isDirectory(path)) {
                    add(path, prefix + name + "/", depth + 1);
                } else {
                    check(path, prefix + name);
                    entries.put(prefix + name, path);
                }
            }
        } catch (IOException e) {
            throw problem(prefix, "the folder cannot be read: " + ReadFailure.reason(e), "check its permissions");
        }
    }

    private void check(Path path, String name) {
        try {
            RegularFile.check(path.toFile());
        } catch (UnusableFileException e) {
            throw new InvalidDataException(e.problem().inFile(model.shown(name)), e);
        }
        if (!Files.exists(path)) {
            throw problem(
                    name,
                    "this is a link to a file that does not exist",
                    "download or copy the whole model again, or remove the link");
        }
        if (entries.size() == MAX_FILES) {
            throw problem("", "the folder has more than " + MAX_FILES + " files", "name the folder of one model");
        }
    }

    private InvalidDataException problem(String file, String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy).inFile(model.shown(file)));
    }
}
