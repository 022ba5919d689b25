package io.kvscale.job.model;

import io.kvscale.model.ModelFile;
import io.kvscale.model.ModelManifest;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.spark.SparkFiles;

/**
 * Links in a local model folder. A downloaded folder may hold a link to any file of this machine. Links are followed within
 * the folder, and within its entry of a Hugging Face cache, where {@code models--NAME/snapshots/REVISION/FILE} is a link to
 * {@code models--NAME/blobs/HASH}.
 */
final class ModelLinks {
    private ModelLinks() {}

    /**
     * Whether a file of the model is a link out of its folder.
     *
     * @throws InvalidDataException if such a link is not within one entry of a cache
     */
    static boolean leave(Path folder, ModelManifest manifest) throws IOException {
        Path real = folder.toRealPath();
        Path allowed = allowed(real);
        boolean leave = false;
        for (ModelFile file : manifest.files()) {
            Path target = folder.resolve(file.name()).toRealPath();
            if (!target.startsWith(allowed)) {
                throw new InvalidDataException(DataProblem.of(
                                "the model's file is a link out of the model's folder, to "
                                        + DataProblem.shown(target.toString()),
                                "copy the file itself into the folder; only links of a Hugging Face cache are followed")
                        .inFile(file.name()));
            }
            leave |= !target.startsWith(real);
        }
        return leave;
    }

    /** The folder in which all files of a model must be. */
    private static Path allowed(Path folder) throws IOException {
        if (folder.startsWith(Path.of(SparkFiles.getRootDirectory()).toRealPath())) {
            // YARN brings the files of --files as links to its own folders.
            return folder.getRoot();
        }
        for (int i = folder.getNameCount() - 3; i >= 0; i--) {
            if (folder.getName(i).toString().startsWith("models--")
                    && folder.getName(i + 1).toString().equals("snapshots")) {
                return folder.getRoot().resolve(folder.subpath(0, i + 1));
            }
        }
        return folder;
    }
}
