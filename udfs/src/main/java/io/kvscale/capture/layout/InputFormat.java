package io.kvscale.capture.layout;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** What captures are kept in, told by the ends of file names; files named by themselves may have any name. */
public enum InputFormat {
    SAFETENSORS(".safetensors"),
    ARROW(".arrow", ".arrows"),
    /** Read by Spark as a table. */
    PARQUET(".parquet");

    private final List<String> extensions;

    InputFormat(String... extensions) {
        this.extensions = List.of(extensions);
    }

    /** With their dots. */
    public List<String> extensions() {
        return extensions;
    }

    /** The word that the command line uses. */
    public String word() {
        return extensions.get(0).substring(1);
    }

    /** The format of that word, whatever its case. */
    public static Optional<InputFormat> named(String word) {
        return Arrays.stream(values())
                .filter(format -> format.word().equalsIgnoreCase(word))
                .findFirst();
    }

    /** The format of files of that name. */
    public static Optional<InputFormat> ofFile(String name) {
        return Arrays.stream(values())
                .filter(format -> format.extensions.stream().anyMatch(name::endsWith))
                .findFirst();
    }
}
