package io.kvscale.text;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/** The tokenizer of the tiny model, unchanged or edited. */
final class TinyTokenizer {
    static final Path FOLDER = Path.of(System.getProperty("kvscale.top"), "conf/tiny-model");

    private TinyTokenizer() {}

    /** Copies the files of the tokenizer. */
    static Path copy(Path to) {
        try {
            for (String name : List.of("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")) {
                Files.copy(FOLDER.resolve(name), to.resolve(name));
            }
            return to;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    static void edit(Path file, Consumer<ObjectNode> change) {
        try {
            ObjectMapper json = new ObjectMapper();
            ObjectNode object = (ObjectNode) json.readTree(file.toFile());
            change.accept(object);
            json.writeValue(file.toFile(), object);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
