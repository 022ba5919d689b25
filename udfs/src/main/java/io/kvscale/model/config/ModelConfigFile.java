package io.kvscale.model.config;

import io.kvscale.input.ReadFailure;
import io.kvscale.input.RegularFile;
import io.kvscale.input.UnusableFileException;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.InputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Reads a model's config.json from any Hadoop file system. */
public final class ModelConfigFile {
    private ModelConfigFile() {}

    /**
     * Reads a config.json.
     *
     * @param path the file, or a folder that has one
     * @throws InvalidDataException if there is none, or as {@link ModelConfig#parse}; it names the file
     */
    public static ModelConfig read(String path, Configuration configuration) {
        try {
            Path file = new Path(path);
            FileSystem files = file.getFileSystem(configuration);
            if (files.getFileStatus(file).isDirectory()) {
                file = new Path(file, ModelConfig.FILE);
            }
            try (InputStream in = RegularFile.open(files, file)) {
                return ModelConfig.read(in, path);
            }
        } catch (UnusableFileException e) {
            throw new InvalidDataException(e.problem().inFile(path), e);
        } catch (IOException | IllegalArgumentException | FSError e) {
            throw new InvalidDataException(
                    DataProblem.of(
                                    "there is no config.json that can be read: " + ReadFailure.reason(e),
                                    "name the config.json of the model's Hugging Face folder, or that folder, with"
                                            + " --model-config or model_config")
                            .inFile(path),
                    e);
        }
    }
}
