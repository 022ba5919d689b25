package io.kvscale.job.export;

import io.kvscale.json.Json;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.function.ToLongFunction;
import java.util.regex.Pattern;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * The statistics of strata in a result folder: {@code strata/NAME/statistics.kvstats} for each stratum, and a manifest with
 * its value. Values are not trusted. A folder has the value as its name if that is short and of plain characters, and
 * otherwise a name that ends with a hash of the value.
 */
public final class StratumFiles {
    /** The manifest; its folder holds those of the strata. */
    static final String MANIFEST = "strata/strata.json";

    private static final int MAX_NAME = 40;
    private static final int HASH_DIGITS = 16;
    private static final Pattern PLAIN = Pattern.compile("[a-z0-9][a-z0-9_-]{0," + (MAX_NAME - 1) + "}");
    /** A plain value like this could equal the name of another value. */
    private static final Pattern HASHED = Pattern.compile(".*-[0-9a-f]{" + HASH_DIGITS + "}");

    private static final String NAME = "[a-z0-9][a-z0-9_-]*";
    private static final Pattern FOLDER = Pattern.compile("strata/" + NAME);
    private static final Pattern FILE = Pattern.compile("strata/" + NAME + "/statistics\\.kvstats");

    private StratumFiles() {}

    /**
     * Writes the files of all strata.
     *
     * @param field the field of a record that holds its stratum
     * @return the content of the manifest
     */
    public static Map<String, Object> write(
            String field, SortedMap<String, CalibrationStatistics> strata, OutputFolder output) {
        List<Object> listed = new ArrayList<>();
        strata.forEach((value, statistics) -> {
            byte[] bytes = statistics.toByteArray();
            String file = "strata/" + name(value) + "/statistics.kvstats";
            output.write(file, bytes);
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("value", value);
            entry.put("statistics", file);
            entry.put("statistics_sha256", DigestUtils.sha256Hex(bytes));
            entry.put("samples", most(statistics, SlotStatistics::samples));
            entry.put("tokens", most(statistics, SlotStatistics::tokens));
            listed.add(entry);
        });
        Map<String, Object> manifest = new LinkedHashMap<>();
        manifest.put("statistics_by", field);
        manifest.put("strata", listed);
        output.write(MANIFEST, Json.bytes(manifest));
        return manifest;
    }

    private static long most(CalibrationStatistics statistics, ToLongFunction<SlotStatistics> count) {
        return statistics.slots().values().stream().mapToLong(count).max().orElse(0);
    }

    /** The name of a folder: equal for no two values, also where file systems ignore case. */
    static String name(String value) {
        if (PLAIN.matcher(value).matches() && !HASHED.matcher(value).matches()) {
            return value;
        }
        String plain =
                value.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
        String begin = plain.isEmpty() ? "stratum" : plain.substring(0, Math.min(plain.length(), MAX_NAME));
        return begin + "-" + DigestUtils.sha256Hex(value).substring(0, HASH_DIGITS);
    }

    static boolean isFile(String path) {
        return FILE.matcher(path).matches();
    }

    static boolean isFolder(String path) {
        return FOLDER.matcher(path).matches();
    }
}
