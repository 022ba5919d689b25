package io.kvscale.job.command;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.scheme.table.ScaleTable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;

/** What a path holds, detected from its content. A result folder counts as its scale table. */
sealed interface PathContent {
    /** The kind of content, as messages say it. */
    String kind();

    record Scales(ScaleTable table) implements PathContent {
        @Override
        public String kind() {
            return "a scale table";
        }
    }

    record Statistics(CalibrationStatistics statistics) implements PathContent {
        @Override
        public String kind() {
            return "a statistics file";
        }
    }

    /**
     * Another file that kvscale writes or reads.
     *
     * @param kind such as {@code run record}
     * @param content what it holds
     */
    record Known(String kind, Map<String, ?> content) implements PathContent {}

    /** Anything else, which may be captures. */
    record Other() implements PathContent {
        @Override
        public String kind() {
            return "neither";
        }
    }

    /** What a folder is shown by, the first that it holds. */
    List<String> RESULTS =
            List.of("kv_scales.json", "evaluation.json", "model-kvscales.safetensors", "statistics.kvstats");

    Pattern GLOB = Pattern.compile("[*?\\[{]");

    /** @throws io.kvscale.tensor.InvalidDataException if there is no such path, or its content is damaged or not known */
    static PathContent read(String given, Configuration hadoop) {
        String path = given;
        FileStatus status = HadoopFiles.status(given, hadoop);
        Optional<String> result = RESULTS.stream()
                .map(name -> given + "/" + name)
                .filter(file -> HadoopFiles.status(file, hadoop) != null)
                .findFirst();
        if (result.isPresent()) {
            path = result.get();
        } else if (status != null && status.isDirectory() || GLOB.matcher(given).find()) {
            return new Other();
        }
        String start = HadoopFiles.start(path, hadoop);
        if (start.equals(CalibrationStatistics.MAGIC) || path.endsWith(".kvstats")) {
            return new Statistics(HadoopFiles.statistics(path, hadoop));
        }
        Known known = KnownFiles.read(path, start, hadoop);
        if (known != null) {
            return known;
        }
        boolean json = start.stripLeading().startsWith("{") || path.endsWith(".json");
        return json ? new Scales(HadoopFiles.scaleTable(path, hadoop)) : new Other();
    }
}
