package io.kvscale.job.history;

import io.kvscale.input.RegularFile;
import io.kvscale.job.export.OutputFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A folder that gets a file for each run: for file systems on which nothing can be appended, or not by two runs at once. The
 * files' names have the order of time, so {@code cat} of all of them gives the lines of a log.
 */
record FileForEachRun(Path folder, Configuration configuration) implements LineStore {
    private static final Pattern NAME = Pattern.compile("[0-9TZ-]{17,40}-[0-9a-f]{8}\\.json");
    private static final int MAX_FILES = 200;

    @Override
    public void prepare() throws IOException {
        FileSystem fs = folder.getFileSystem(configuration);
        if (fs.exists(folder) && !fs.getFileStatus(folder).isDirectory()) {
            throw new IOException("it is a file, and on " + fs.getScheme() + " a log is a folder");
        }
        if (!fs.mkdirs(folder)) {
            throw new IOException("no folder can be made there");
        }
    }

    @Override
    public List<String> newest() throws IOException {
        FileSystem fs = folder.getFileSystem(configuration);
        List<FileStatus> files = new ArrayList<>(Arrays.stream(fs.listStatus(folder))
                .filter(file -> NAME.matcher(file.getPath().getName()).matches())
                .sorted(Comparator.comparing((FileStatus file) -> file.getPath().getName())
                        .reversed())
                .limit(MAX_FILES)
                .toList());
        List<String> lines = new ArrayList<>();
        long bytes = 0;
        for (FileStatus file : files) {
            bytes += file.getLen();
            if (bytes > MAX_BYTES) {
                break;
            }
            try (InputStream in = RegularFile.open(fs, file.getPath())) {
                lines.add(new String(RegularFile.read(in, file.getLen()), StandardCharsets.UTF_8));
            }
        }
        Collections.reverse(lines);
        return lines;
    }

    @Override
    public void add(String line) {
        String time = String.valueOf(Instant.now().toEpochMilli());
        String name = "0".repeat(Math.max(0, 17 - time.length())) + time + "-"
                + UUID.randomUUID().toString().substring(0, 8) + ".json";
        try (OutputFile file =
                OutputFile.open(new Path(folder, name).toString(), false, "", "--run-log", configuration)) {
            file.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        }
    }
}
