package io.kvscale.job.recipe;

import io.kvscale.input.ReadFailure;
import io.kvscale.input.RegularFile;
import io.kvscale.input.UnusableFileException;
import io.kvscale.scheme.Given;
import io.kvscale.scheme.PlainYaml;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/** Reads the YAML of a recipe file, which is not trusted: UTF-8, at most 1 MB, without tags. */
final class RecipeFile {
    private static final int MAX_SIZE = PlainYaml.MAX_SIZE;

    private RecipeFile() {}

    static String read(Path file, Configuration configuration) {
        String name = file.toString();
        byte[] bytes;
        try {
            FileSystem fs = file.getFileSystem(configuration);
            if (fs.getFileStatus(file).isDirectory()) {
                throw bad(name, "the recipe is a folder", "name the YAML file in it");
            }
            try (InputStream in = RegularFile.open(fs, file)) {
                bytes = in.readNBytes(MAX_SIZE + 1);
            }
        } catch (UnusableFileException e) {
            throw bad(name, e.problem().what(), e.problem().remedy());
        } catch (FileNotFoundException e) {
            throw bad(name, "the recipe does not exist", "check the path given to --recipe");
        } catch (IOException | IllegalArgumentException | UnsupportedOperationException | FSError e) {
            String why = ReadFailure.reason(e);
            throw bad(
                    name, "the recipe cannot be read: " + why, "check the path given to --recipe and its permissions");
        }
        if (bytes.length > MAX_SIZE) {
            throw bad(name, "the recipe is larger than " + MAX_SIZE + " bytes", "name a recipe, not a data file");
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw bad(name, "the recipe is not UTF-8 text", "name a YAML file that is saved as UTF-8");
        }
    }

    /**
     * The top-level mapping of a recipe.
     *
     * @throws RecipeException if the text is not a YAML mapping
     */
    static Map<?, ?> mapping(String yaml, String name) {
        if (yaml.length() > MAX_SIZE) {
            throw bad(name, "the recipe has more than " + MAX_SIZE + " characters", "name a recipe, not a data file");
        }
        @Nullable Object top;
        try {
            top = PlainYaml.load(yaml);
        } catch (PlainYaml.MalformedException e) {
            throw bad(
                    name, "the recipe is not valid YAML: " + e.getMessage(), "correct it there; YAML tags are refused");
        }
        if (top instanceof Map<?, ?> map) {
            return map;
        }
        String what = top == null ? "the recipe is empty" : "the recipe must be a mapping, got " + Given.shown(top);
        throw bad(name, what, SchemeFinder.EXAMPLE);
    }

    private static RecipeException bad(String name, String what, String remedy) {
        return RecipeException.of(name, "", what, remedy);
    }
}
