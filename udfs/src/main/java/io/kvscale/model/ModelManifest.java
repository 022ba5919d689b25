package io.kvscale.model;

import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * The files that make a model: the graph, its external data, config.json and the tokenizer's; sorted by name.
 *
 * @param graph the graph's file among them
 */
public record ModelManifest(String graph, List<ModelFile> files) implements Serializable {

    /**
     * Finds and hashes the files of a model.
     *
     * @param folder of any file system that Hadoop knows
     * @param graph the graph's file in it, such as {@code model.onnx}
     * @throws InvalidDataException if one is missing, cut short or not readable, or external data lies outside of the
     *     folder
     */
    public static ModelManifest of(Path folder, String graph, Configuration configuration) {
        try {
            return new ManifestFiles(folder.getFileSystem(configuration), folder).read(graph);
        } catch (IOException e) {
            throw ManifestFiles.unreadable(e);
        }
    }

    /** Says which model this is: the hash of all names and hashes. */
    public String id() {
        StringBuilder text = new StringBuilder(graph).append('\n');
        files.forEach(file ->
                text.append(file.sha256()).append(' ').append(file.name()).append('\n'));
        return DigestUtils.sha256Hex(text.toString());
    }

    /** @throws InvalidDataException if a file in this local folder is not the one that was hashed */
    public void verify(java.nio.file.Path folder) {
        try {
            ManifestFiles.verify(files, folder);
        } catch (IOException e) {
            throw ManifestFiles.unreadable(e);
        }
    }
}
