package io.kvscale.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.input.ReadFailure;
import io.kvscale.input.RegularFile;
import io.kvscale.input.UnusableFileException;
import io.kvscale.json.Json;
import io.kvscale.json.JsonProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads the text files of a model's folder, none of which is trusted. */
final class ModelJson {
    private static final int MAX_FILE = 256 << 20;

    private ModelJson() {}

    static byte[] bytes(Path file) {
        try {
            long length = Files.size(file);
            if (length > MAX_FILE) {
                throw broken(file, "it has more than " + MAX_FILE + " bytes");
            }
            RegularFile.check(file.toFile());
            try (InputStream in = Files.newInputStream(file)) {
                return RegularFile.read(in, length);
            }
        } catch (UnusableFileException e) {
            throw new InvalidDataException(e.problem().inFile(String.valueOf(file.getFileName())), e);
        } catch (IOException e) {
            throw broken(file, "it cannot be read: " + ReadFailure.reason(e));
        }
    }

    static String text(Path file) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes(file)))
                    .toString();
        } catch (CharacterCodingException e) {
            throw broken(file, "it is not UTF-8");
        }
    }

    static JsonNode object(Path file) {
        try {
            JsonNode object = Json.LENIENT_FILE.readTree(text(file));
            if (object.isObject()) {
                return object;
            }
        } catch (JsonProcessingException e) {
            throw broken(file, "it is not JSON: " + JsonProblem.whatAndWhere(e));
        }
        throw broken(file, "it is not a JSON object");
    }

    static InvalidDataException broken(Path file, String why) {
        return new InvalidDataException(
                "the model's " + file.getFileName() + " is invalid: " + why,
                "download the file again from the model's source");
    }
}
