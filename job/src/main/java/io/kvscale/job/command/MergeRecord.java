package io.kvscale.job.command;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.json.Json;
import io.kvscale.json.JsonProblem;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;

/** The record beside merged statistics: of which files they are, so that none of them is merged again. */
final class MergeRecord {
    private static final String HASH = "statistics_sha256";
    private static final String SOURCES = "sources";

    /** The first file that held each of the statistics, by hash. */
    private final Map<String, String> holders = new LinkedHashMap<>();

    private final List<Object> sources = new ArrayList<>();

    /** The record of a statistics file. */
    static String file(String statistics) {
        return statistics + ".sources.json";
    }

    boolean isEmpty() {
        return sources.isEmpty();
    }

    /**
     * Adds a file, or the files that it was merged from if its record is beside it.
     *
     * @param hash of the statistics
     * @param source what the record says about the file
     * @throws InvalidDataException if some of its statistics were added before
     */
    void add(String file, String hash, Map<String, Object> source, Configuration hadoop) {
        String same = holders.putIfAbsent(hash, file);
        if (same != null) {
            throw twice("this file holds the same statistics as " + DataProblem.shown(same));
        }
        List<JsonNode> parts = parts(file, hash, hadoop);
        if (parts.isEmpty()) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("file", file);
            all.put(HASH, hash);
            all.putAll(source);
            sources.add(all);
        }
        for (JsonNode part : parts) {
            String holder = holders.putIfAbsent(part.path(HASH).asText(), file);
            if (holder != null) {
                throw twice("this file was merged from "
                        + DataProblem.shown(part.path("file").asText()) + " too, which is in "
                        + DataProblem.shown(holder));
            }
            sources.add(part);
        }
    }

    private static InvalidDataException twice(String what) {
        return new InvalidDataException(what, "name each corpus once, or its values would count twice");
    }

    /** The sources of merged statistics; none if there is no record, or it is of other statistics. */
    private static List<JsonNode> parts(String statistics, String hash, Configuration hadoop) {
        String file = file(statistics);
        if (HadoopFiles.status(file, hadoop) == null) {
            return List.of();
        }
        try {
            JsonNode record = Json.MAPPER.readTree(HadoopFiles.bytes(file, hadoop));
            List<JsonNode> parts = new ArrayList<>();
            record.path(SOURCES).forEach(parts::add);
            return record.path(HASH).asText().equals(hash) ? parts : List.of();
        } catch (IOException e) {
            throw new InvalidDataException(
                    DataProblem.of(
                                    "this is not JSON: " + JsonProblem.whatAndWhere(e),
                                    "merge the statistics beside it again, or remove it")
                            .inFile(file),
                    e);
        }
    }

    /** @param hash of the merged statistics */
    byte[] toJson(String hash) {
        Map<String, Object> record = new LinkedHashMap<>();
        record.put(HASH, hash);
        record.put(SOURCES, sources);
        return Json.bytes(record);
    }
}
