package io.kvscale.job.export;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.input.RegularFile;
import io.kvscale.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * The file of an exported folder that says what kvscale wrote there. {@code --overwrite} replaces only folders in which it
 * lists every file.
 *
 * @param target the word of {@code --for}
 * @param scalesSha256 hash of the scales as they are written
 * @param model the model of the scales by its config.json; null if not known
 * @param scalesFile the safetensors file with the scales; null if the target has another file
 * @param files the paths of all other files and links, relative to the folder
 */
public record ExportRecord(
        String target,
        String scalesSha256,
        @Nullable String model,
        @Nullable String scalesFile,
        SortedSet<String> files) {
    /** Its name. */
    public static final String FILE = "kvscale-export.json";

    /** Its {@code format}. */
    public static final String FORMAT = "kvscale-export";

    /** The key of the name of the file with the scales. */
    public static final String SCALES_FILE = "scales_file";

    private static final int MAX_BYTES = 16 << 20;

    byte[] toJson() {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("format", FORMAT);
        json.put("version", 1);
        json.put("target", target);
        json.put("model", model);
        json.put("scales_sha256", scalesSha256);
        json.put(SCALES_FILE, scalesFile);
        json.put("files", files);
        return Json.bytes(json);
    }

    /** The files that the record in a folder lists, with the record; none if there is no record. */
    static Set<String> files(FileSystem fs, Path folder) {
        Set<String> names = new HashSet<>();
        try (InputStream in = RegularFile.open(fs, new Path(folder, FILE))) {
            JsonNode json = Json.MAPPER.readTree(in.readNBytes(MAX_BYTES));
            if (json.path("format").asText("").equals(FORMAT)) {
                json.path("files").forEach(name -> names.add(name.asText("")));
                names.add(FILE);
            }
        } catch (IOException e) {
            names.clear(); // no record proves nothing
        }
        return names;
    }
}
