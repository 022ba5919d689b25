package io.kvscale.job.command;

import io.kvscale.job.console.Console;
import io.kvscale.job.export.ExportRecord;
import io.kvscale.job.target.ScaleExporter;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.quant.ScaleConvention;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;

/** What a path holds, detected from its content. A result folder counts as its scale table. */
sealed interface PathContent {
    /** The kind of content, as messages say it. */
    String kind();

    /**
     * @param warnings about an edited table, and about statistics beside it that are not its own
     * @param statistics the path of the statistics file beside it, which may not exist
     */
    record Scales(ScaleTable table, List<String> warnings, String statistics) implements PathContent {
        @Override
        public String kind() {
            return "a scale table";
        }

        /** The table as a target reads it, with the statistics beside it where the observer needs them. */
        ScaleTable forTarget(ScaleExporter exporter, Configuration hadoop) {
            ScaleTable readable = exporter.readable(table);
            ScaleConvention convention = exporter.convention();
            boolean reads = convention.needsStatistics(readable) && HadoopFiles.status(statistics, hadoop) != null;
            return convention.apply(readable, reads ? HadoopFiles.statistics(statistics, hadoop) : null);
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

    String STATISTICS = "statistics.kvstats";
    /** What a folder is shown by, the first that it holds. */
    List<String> RESULTS =
            List.of("kv_scales.json", "evaluation.json", ExportRecord.FILE, "model-kvscales.safetensors", STATISTICS);

    Pattern GLOB = Pattern.compile("[*?\\[{]");

    /** @throws InvalidDataException if there is no such path, or its content is damaged or not known */
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
        return json ? readScales(path, hadoop) : new Other();
    }

    /** The statistics file that a path names: the one in a folder, or the path itself. */
    static String statisticsFile(String given, Configuration hadoop) {
        FileStatus status = HadoopFiles.status(given, hadoop);
        return status != null && status.isDirectory() ? given + "/" + STATISTICS : given;
    }

    /**
     * The scale table of a path. Its warnings are printed.
     *
     * @throws InvalidDataException if it holds none
     */
    static Scales scales(String path, Configuration hadoop, Console console) {
        if (read(path, hadoop) instanceof Scales found) {
            found.warnings().forEach(warning -> console.warn(path + ": " + warning));
            return found;
        }
        throw new InvalidDataException(DataProblem.of(
                        "the path holds no scale table",
                        "name a result folder of calibrate or scales, or a kv_scales.json")
                .inFile(path));
    }

    private static Scales readScales(String path, Configuration hadoop) {
        ScaleTable table = HadoopFiles.scaleTable(path, hadoop);
        List<String> warnings = new ArrayList<>(table.warnings());
        String stated = table.provenance().statisticsSha256();
        String beside = path.substring(0, path.lastIndexOf('/') + 1) + STATISTICS;
        if (stated != null && HadoopFiles.status(beside, hadoop) != null) {
            String found = DigestUtils.sha256Hex(HadoopFiles.bytes(beside, hadoop));
            if (!found.equals(stated)) {
                warnings.add(STATISTICS + " beside it is another one: its hash is " + found + ", statistics_sha256 is "
                        + stated + "; these scales did not come from it");
            }
        }
        return new Scales(table, warnings, beside);
    }
}
