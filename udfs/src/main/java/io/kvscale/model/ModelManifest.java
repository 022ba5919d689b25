package io.kvscale.model;

import io.kvscale.tensor.InvalidDataException;
import java.io.Serializable;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * The files that make a model: the graph, its external data, config.json and the tokenizer's.
 *
 * @param graph the graph's file among them
 */
public record ModelManifest(String graph, List<ModelFile> files) implements Serializable {

    /**
     * Finds and hashes the files of a model.
     *
     * @param folder of any file system that Hadoop knows
     * @param graph the graph's file in it, such as {@code model.onnx}
     * @throws InvalidDataException if one is missing or not readable, or external data lies outside of the folder
     */
    public static ModelManifest of(Path folder, String graph, Configuration configuration) {
        throw new UnsupportedOperationException();
    }

    /** Says which model this is: the hash of all names and hashes. */
    public String id() {
        throw new UnsupportedOperationException();
    }

    /** @throws InvalidDataException if a file in this local folder is not the one that was hashed */
    public void verify(java.nio.file.Path folder) {
        throw new UnsupportedOperationException();
    }
}
