package io.kvscale.job.corpus.read;

import io.kvscale.job.model.ModelLocation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A tokenizer whose tokens are the characters of Latin-1, each with its code point as id. */
public final class CharacterTokenizer {
    private CharacterTokenizer() {}

    /** Writes tokenizer.json into a folder. */
    public static TextModel write(Path folder, int maxPositions) throws IOException {
        String vocabulary = IntStream.range(' ', 256)
                .mapToObj(c -> String.format("\"\\u%04x\": %d", c, c))
                .collect(Collectors.joining(", "));
        Files.createDirectories(folder);
        Files.writeString(
                folder.resolve("tokenizer.json"),
                "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null, \"added_tokens\": [],"
                        + " \"normalizer\": null, \"pre_tokenizer\": {\"type\": \"Split\", \"pattern\":"
                        + " {\"Regex\": \".\"}, \"behavior\": \"Isolated\", \"invert\": false},"
                        + " \"post_processor\": null, \"decoder\": null, \"model\": {\"type\": \"WordLevel\","
                        + " \"unk_token\": \" \", \"vocab\": {" + vocabulary + "}}}");
        String path = folder.toString();
        ModelLocation location = () -> Path.of(path);
        return new TextModel(location, 256, maxPositions);
    }
}
