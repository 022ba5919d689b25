package io.kvscale.job;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.scheme.ScaleTable;
import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** What a path holds, told by its content: a result folder stands for its scale table. */
sealed interface Content {
    record Scales(ScaleTable table) implements Content {}

    record Statistics(CalibrationStatistics statistics) implements Content {}

    /** Anything else: captures, or nothing of kvscale's. */
    record Other() implements Content {}

    static Content read(String given, Configuration hadoop) {
        String path = given;
        if (exists(given + "/kv_scales.json", hadoop)) {
            path = given + "/kv_scales.json";
        } else if (given.endsWith(".safetensors") || isFolder(given, hadoop)) {
            return new Other();
        }
        byte[] bytes = Files.bytes(path, hadoop);
        boolean json = bytes.length > 0 && (bytes[0] == '{' || Character.isWhitespace(bytes[0]));
        return json ? new Scales(Files.scaleTable(path, bytes)) : new Statistics(Files.statistics(path, hadoop));
    }

    private static boolean exists(String path, Configuration hadoop) {
        try {
            Path p = new Path(path);
            return p.getFileSystem(hadoop).exists(p);
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean isFolder(String path, Configuration hadoop) {
        try {
            Path p = new Path(path);
            FileSystem fs = p.getFileSystem(hadoop);
            return fs.exists(p) && fs.getFileStatus(p).isDirectory();
        } catch (IOException e) {
            return false;
        }
    }
}
