package io.kvscale.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The text files of a model's folder, which nobody vouches for. */
record ModelText(Path folder) {
    private static final long MAX_BYTES = 512L << 20;

    boolean has(String name) {
        return Files.isRegularFile(folder.resolve(name));
    }

    /** @throws InvalidDataException if the file is not readable, or no UTF-8 */
    String text(String name) {
        Path file = folder.resolve(name);
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw problem(name, "it has " + Files.size(file) + " bytes, more than " + MAX_BYTES);
            }
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw problem(name, "it is not text in UTF-8");
        } catch (IOException e) {
            throw problem(name, String.valueOf(e.getMessage()));
        }
    }

    /** @throws InvalidDataException if the file is no JSON object; null where there is none */
    @Nullable
    JsonNode json(String name) {
        if (!has(name)) {
            return null;
        }
        try {
            JsonNode json = RecordParser.JSON.readTree(text(name));
            if (!json.isObject()) {
                throw problem(name, "it is not a JSON object");
            }
            return json;
        } catch (JsonProcessingException e) {
            throw problem(name, "it is not JSON: " + e.getOriginalMessage());
        }
    }

    static InvalidDataException problem(String name, String why) {
        return new InvalidDataException(DataProblem.of(
                "the model's " + name + " cannot be used: " + DataProblem.shown(why),
                "copy it from the model's own repository into the folder of --model"));
    }
}
