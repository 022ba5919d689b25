package io.kvscale.job.command;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.capture.CaptureFormats;
import io.kvscale.job.checkpoint.CheckpointScale;
import io.kvscale.job.export.ExportRecord;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.json.Json;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.safetensors.SafetensorsHeader;
import io.kvscale.safetensors.TensorEntry;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.jspecify.annotations.Nullable;

/** Recognizes the files that kvscale writes beside scales and statistics. */
final class KnownFiles {
    private static final TypeReference<Map<String, Object>> FIELDS = new TypeReference<>() {};
    /** The text that LMDeploy reads on Ascend. */
    private static final Pattern RECORD = Pattern.compile("scale: ([0-9.]+) offset: (-?\\d+)");

    /** A scale file is small. A larger file of tensors is a model or captures. */
    private static final long MAX_SCALES = 16 << 20;

    private static final int MAX_JSON = 64 << 20;

    private KnownFiles() {}

    /**
     * The file; null if it may be a scale table or captures.
     *
     * @param start its first bytes, see {@link HadoopFiles#start}
     * @throws InvalidDataException if it is JSON, HTML or text that kvscale does not write
     */
    static PathContent.@Nullable Known read(String path, String start, Configuration hadoop) {
        String name = path.toLowerCase(Locale.ROOT);
        if (start.isEmpty()) {
            return empty(path);
        } else if (start.stripLeading().matches("(?s)[{\\[].*")) {
            PathContent.Known found = HadoopFiles.withFile(path, () -> json(HadoopFiles.bytes(path, hadoop)));
            return found != null && found.content().get(ExportRecord.SCALES_FILE) instanceof String file
                    ? withScales(found, path, file, hadoop)
                    : found;
        } else if (start.toLowerCase(Locale.ROOT).startsWith("<!doctyp")) {
            return HadoopFiles.withFile(path, () -> page(HadoopFiles.bytes(path, hadoop)));
        } else if (start.startsWith("scale: ")) {
            return HadoopFiles.withFile(path, () -> record(HadoopFiles.bytes(path, hadoop)));
        } else if (name.endsWith(".yaml") || name.endsWith(".yml")) {
            return recipe(path, hadoop);
        }
        if (!CaptureFormats.mayBeCapture(path, start.getBytes(StandardCharsets.ISO_8859_1))) {
            throw new InvalidDataException(foreign("this is neither a capture nor a file that kvscale writes"
                            + (name.endsWith(".onnx") ? ": it is an ONNX model, for --model" : ""))
                    .inFile(path));
        }
        FileStatus status = HadoopFiles.status(path, hadoop);
        if (name.endsWith(".safetensors") && status != null && status.getLen() <= MAX_SCALES) {
            return HadoopFiles.withFile(path, () -> scales(HadoopFiles.bytes(path, hadoop)));
        }
        return null;
    }

    /** A result folder has an empty file that says that the folder is complete; any other holds nothing. */
    private static PathContent.Known empty(String path) {
        if (!path.endsWith("_SUCCESS")) {
            throw new InvalidDataException(foreign("this file is empty").inFile(path));
        }
        return new PathContent.Known(
                "success marker", Map.of("bytes", 0, "says", "the folder with this file is complete"));
    }

    private static DataProblem foreign(String what) {
        return DataProblem.of(what, "name a capture, a result folder or a statistics file");
    }

    private static PathContent.@Nullable Known json(byte[] bytes) {
        JsonNode node;
        try {
            node = bytes.length > MAX_JSON ? null : Json.LENIENT.readTree(bytes);
        } catch (JsonProcessingException e) {
            return null; // reading it as a scale table reports the reason
        } catch (IOException e) {
            throw new IllegalStateException("reading from memory does not fail", e);
        }
        if (node != null && node.path("format").asText("").equals(ExportRecord.FORMAT)) {
            return new PathContent.Known("exported folder", Json.MAPPER.convertValue(node, FIELDS));
        }
        if (node == null || node.has("format") || node.has("layers") && node.has("version")) {
            return null;
        }
        String kind = kind(node);
        if (kind == null) {
            throw new InvalidDataException(foreign("this is JSON, but no file that kvscale writes" + ofModel(node)));
        }
        return new PathContent.Known(kind, Json.MAPPER.convertValue(node, FIELDS));
    }

    private static String ofModel(JsonNode node) {
        return node.has("model_type") || node.has("architectures")
                ? ": it is a model's config.json, for --model-config"
                : node.has("added_tokens") && node.has("model")
                        ? ": it is a tokenizer.json, which is read from the folder of --model"
                        : "";
    }

    private static @Nullable String kind(JsonNode node) {
        if (node.has("kvscale_version") && node.has("started") && !node.has("kvscale_run")) {
            return "run record";
        } else if (node.has("kvscale_run")) {
            return "first line of a run log";
        } else if (node.has("baseline") && node.path("schemes").isArray()) {
            return "evaluation";
        } else if (node.path("quantization_config").has("kv_cache_scheme")) {
            return "vllm config";
        } else if (node.has("budget") && node.has("ranking")) {
            return "advice";
        } else if (node.has("drifted") && node.has("worst_first")) {
            return "drift";
        } else if (node.path("quantization").has("kv_cache_quant_algo")) {
            return "modelopt config";
        } else if (node.path("scales").has("k_scales")) {
            return "ort-genai scales";
        } else if (node.has("statistics_sha256") && node.path("sources").isArray()) {
            return "merge record";
        } else if (node.has("statistics_by") && node.path("strata").isArray()) {
            return "strata";
        } else if (node.has("kv_cache_type")) {
            return "ascend description";
        }
        return null;
    }

    /** The scales and offsets of LMDeploy's text, in order: one of each layer, or of K and V of each layer. */
    private static PathContent.Known record(byte[] bytes) {
        List<String> scales = new ArrayList<>();
        List<String> offsets = new ArrayList<>();
        Matcher line = RECORD.matcher(new String(bytes, StandardCharsets.UTF_8));
        while (line.find()) {
            scales.add(line.group(1));
            offsets.add(line.group(2));
        }
        return new PathContent.Known("lmdeploy record", new TreeMap<>(Map.of("scales", scales, "offsets", offsets)));
    }

    private static PathContent.Known page(byte[] bytes) {
        String page = new String(bytes, StandardCharsets.UTF_8);
        String of = Stream.of("calibration", "evaluation", "drift")
                .filter(word -> page.contains("<title>KV cache " + word + "</title>"))
                .findFirst()
                .orElseThrow(() -> new InvalidDataException(foreign("this is an HTML page, but no report of kvscale")));
        return new PathContent.Known("report", Map.of("of", of, "bytes", bytes.length));
    }

    private static PathContent.Known recipe(String path, Configuration hadoop) {
        Recipe recipe = HadoopFiles.recipe(path, hadoop);
        Map<String, Object> content = new LinkedHashMap<>();
        content.put("key", KvCacheScheme.fields(recipe.schemes().key()));
        content.put("value", KvCacheScheme.fields(recipe.schemes().value()));
        QuantizationScheme query = recipe.schemes().query();
        if (query != null) {
            content.put("query", KvCacheScheme.fields(query));
        }
        content.put(
                "statistics",
                recipe.pairs().kept()
                        ? List.of(recipe.statistics().word(), StatisticsKind.PAIRS)
                        : recipe.statistics().word());
        return new PathContent.Known("recipe", content);
    }

    /** The record of an exported folder, and the scales in it. */
    private static PathContent.Known withScales(
            PathContent.Known record, String path, String name, Configuration hadoop) {
        String file = path.substring(0, path.lastIndexOf('/') + 1) + name;
        FileStatus status = name.contains("/") ? null : HadoopFiles.status(file, hadoop);
        if (status == null || status.getLen() > MAX_SCALES) {
            throw new InvalidDataException(DataProblem.of(
                            "the file of scales that the record names is missing or no file of scales: "
                                    + DataProblem.shown(name),
                            "export the scales again")
                    .inFile(path));
        }
        PathContent.Known scales = HadoopFiles.withFile(file, () -> scales(HadoopFiles.bytes(file, hadoop)));
        Map<String, Object> content = new LinkedHashMap<>(record.content());
        content.putAll(scales == null ? Map.of() : scales.content());
        return new PathContent.Known(record.kind(), content);
    }

    /** The scales by tensor name; null if the file has other tensors. */
    private static PathContent.@Nullable Known scales(byte[] bytes) {
        SafetensorsHeader header;
        try {
            header = SafetensorsHeader.read(new ByteArrayInputStream(bytes), bytes.length, CheckpointScale::isScale);
        } catch (IOException | InvalidDataException e) {
            return null; // reading it as a capture reports the reason
        }
        List<TensorEntry> tensors = header.tensors();
        if (tensors.isEmpty()
                || tensors.size() != header.tensorCount()
                || !tensors.stream().allMatch(tensor -> tensor.dtype().equals("F32"))) {
            return null;
        }
        ByteBuffer data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        Map<String, Object> content = new LinkedHashMap<>();
        for (TensorEntry tensor : tensors) {
            float[] numbers = new float[(int) (tensor.bytes() / Float.BYTES)];
            data.slice((int) tensor.begin(), (int) tensor.bytes())
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asFloatBuffer()
                    .get(numbers);
            content.put(tensor.name(), numbers);
        }
        return new PathContent.Known("vllm scales", content);
    }
}
