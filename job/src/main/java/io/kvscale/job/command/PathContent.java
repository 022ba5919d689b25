package io.kvscale.job.command;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.scheme.ScaleTable;
import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** What a path holds, told by its content: a result folder stands for its scale table. */
sealed interface PathContent {
    record Scales(ScaleTable table) implements PathContent {}

    record Statistics(CalibrationStatistics statistics) implements PathContent {}

    /** Anything else: captures, or nothing of kvscale's. */
    record Other() implements PathContent {}

    /** @throws io.kvscale.tensor.InvalidDataException if there is no such path, or its content is damaged */
    static PathContent read(String given, Configuration hadoop) {
        String path = given;
        if (exists(given + "/kv_scales.json", hadoop)) {
            path = given + "/kv_scales.json";
        } else if (isFolder(given, hadoop) || given.chars().anyMatch(c -> "*?[{".indexOf(c) >= 0)) {
            return new Other();
        }
        String start = HadoopFiles.start(path, hadoop);
        if (start.equals(CalibrationStatistics.MAGIC) || path.endsWith(".kvstats")) {
            return new Statistics(HadoopFiles.statistics(path, hadoop));
        }
        boolean json = start.stripLeading().startsWith("{") || path.endsWith(".json");
        return json ? new Scales(HadoopFiles.scaleTable(path, HadoopFiles.bytes(path, hadoop))) : new Other();
    }

    private static boolean exists(String path, Configuration hadoop) {
        try {
            Path p = new Path(path);
            return p.getFileSystem(hadoop).exists(p);
        } catch (IOException | IllegalArgumentException e) {
            return false;
        }
    }

    private static boolean isFolder(String path, Configuration hadoop) {
        try {
            Path p = new Path(path);
            FileSystem fs = p.getFileSystem(hadoop);
            return fs.exists(p) && fs.getFileStatus(p).isDirectory();
        } catch (IOException | IllegalArgumentException e) {
            return false;
        }
    }
}
