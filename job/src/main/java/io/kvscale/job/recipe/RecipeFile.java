package io.kvscale.job.recipe;

import io.kvscale.tensor.DataProblem;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;

/** The text of a recipe's file: UTF-8, no larger than a recipe can be. */
final class RecipeFile {
    private RecipeFile() {}

    static String read(Path file) {
        if (Files.isDirectory(file)) {
            throw folder(file.toString());
        }
        return text(file.toString(), () -> Files.newInputStream(file));
    }

    static String read(org.apache.hadoop.fs.Path file, Configuration configuration) {
        return text(file.toString(), () -> {
            var files = file.getFileSystem(configuration);
            if (files.getFileStatus(file).isDirectory()) {
                throw folder(file.toString());
            }
            return files.open(file);
        });
    }

    private static String text(String name, Source source) {
        byte[] bytes;
        try (InputStream in = source.open()) {
            bytes = in.readNBytes(RecipeYaml.MAX_SIZE + 1);
        } catch (FileNotFoundException | NoSuchFileException e) {
            throw RecipeException.of(name, "", "the recipe does not exist", "check the path given to --recipe");
        } catch (IOException | IllegalArgumentException | UnsupportedOperationException e) {
            String why = DataProblem.shown(String.valueOf(e.getMessage()));
            throw RecipeException.of(
                    name,
                    "",
                    "the recipe cannot be read: " + why,
                    "check the path given to --recipe and its permissions");
        }
        if (bytes.length > RecipeYaml.MAX_SIZE) {
            throw RecipeException.of(
                    name,
                    "",
                    "the recipe is larger than " + RecipeYaml.MAX_SIZE + " bytes",
                    "name a recipe, not a data file");
        }
        return decode(name, bytes);
    }

    private static String decode(String name, byte[] bytes) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw RecipeException.of(
                    name, "", "the recipe is not text in UTF-8", "name a YAML file, saved with the encoding UTF-8");
        }
    }

    private static RecipeException folder(String name) {
        return RecipeException.of(name, "", "the recipe is a folder", "name the YAML file in it");
    }

    private interface Source {
        InputStream open() throws IOException;
    }
}
