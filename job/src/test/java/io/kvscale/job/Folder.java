package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.kvscale.scheme.table.ScaleTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Reads and writes files and folders of tests. */
public final class Folder {
    /** The root of the repository. */
    public static final Path HOME = Path.of("..").toAbsolutePath().normalize();

    public static final Path SAMPLE = HOME.resolve("conf/sample");
    public static final Path FP8 = HOME.resolve("conf/recipes/fp8.yaml");

    private Folder() {}

    /** The files below a folder as hexadecimal digits, without {@code run.json}, which varies. */
    public static SortedMap<String, String> content(Path folder) {
        SortedMap<String, String> content = new TreeMap<>();
        try (Stream<Path> files = Files.walk(folder)) {
            files.filter(Files::isRegularFile)
                    .filter(file -> !file.getFileName().toString().equals("run.json"))
                    .forEach(file -> content.put(
                            folder.relativize(file).toString(), HexFormat.of().formatHex(bytes(file))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        assertThat(content).isNotEmpty();
        return content;
    }

    public static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static String text(Path file) {
        return new String(bytes(file), java.nio.charset.StandardCharsets.UTF_8);
    }

    public static JsonNode json(Path file) {
        return json(text(file));
    }

    public static JsonNode json(String text) {
        try {
            return JsonMapper.builder().build().readTree(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static ScaleTable scales(Path output) {
        return ScaleTable.fromJson(bytes(output.resolve("kv_scales.json")));
    }

    public static Path write(Path file, String text) {
        return Capture.put(file, text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    /** Writes a recipe file with these fields of {@code kv_cache_scheme}, followed by {@code rest}. */
    public static Path recipe(Path folder, String scheme, String... rest) {
        String text = "kv_cache_scheme: {" + scheme + "}\n" + String.join("\n", rest) + "\n";
        return write(folder.resolve("recipe-" + Integer.toHexString(text.hashCode()) + ".yaml"), text);
    }

    /** The names in a folder, including hidden files. */
    public static Map<String, Boolean> names(Path folder) {
        Map<String, Boolean> names = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder)) {
            files.forEach(file -> names.put(file.getFileName().toString(), Files.isDirectory(file)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return names;
    }
}
