package io.kvscale.job.export;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Two runs that commit to one output at the same time, again and again.
 *
 * @param parent a folder of any file system
 * @param atomic whether the file system renames a folder in one step
 */
public record CommitRace(String parent, int rounds, boolean atomic) {
    /** Runs both; returns how many runs failed. Checks after each round that the result is whole and alone. */
    public int run(boolean overwrite) throws Exception {
        Configuration configuration = new Configuration();
        FileSystem fs = new Path(parent).getFileSystem(configuration);
        int failures = 0;
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            for (int round = 0; round < rounds; round++) {
                Path target = new Path(parent, "race-" + overwrite + (overwrite ? 0 : round));
                CyclicBarrier both = new CyclicBarrier(2);
                List<Future<String>> runs = threads.invokeAll(List.of(
                        () -> commit(target, overwrite, "first", both),
                        () -> commit(target, overwrite, "second", both)));
                Set<String> done = new HashSet<>();
                for (Future<String> run : runs) {
                    if (run.get().startsWith("the output folder")) {
                        failures++;
                        assertThat(run.get()).contains("--o");
                    } else {
                        done.add(run.get());
                    }
                }
                assertThat(done).as("round " + round).isNotEmpty();
                if (!overwrite) {
                    assertThat(done).as("round " + round).hasSize(1);
                }
                assertThat(names(fs, target))
                        .as("round " + round)
                        .containsExactly("_SUCCESS", "kv_scales.json", "run.json");
                assertThat(done).contains(text(fs, new Path(target, "kv_scales.json")));
                assertThat(text(fs, new Path(target, "run.json")))
                        .isEqualTo(text(fs, new Path(target, "kv_scales.json")));
            }
        } finally {
            threads.shutdown();
        }
        if (overwrite && !atomic) {
            // An interrupted copy may leave a hidden folder, which a run with this output removes a day later.
            for (FileStatus left : fs.listStatus(new Path(parent))) {
                if (left.getPath().getName().startsWith(".")) {
                    age(fs, left);
                }
            }
            commit(new Path(parent, "race-true0"), true, "last", new CyclicBarrier(1));
        }
        assertThat(names(fs, new Path(parent))).allMatch(name -> !name.startsWith("."));
        return failures;
    }

    private static void age(FileSystem fs, FileStatus status) throws IOException {
        for (FileStatus inside : status.isDirectory() ? fs.listStatus(status.getPath()) : new FileStatus[0]) {
            age(fs, inside);
        }
        fs.setTimes(status.getPath(), 1, -1);
    }

    private static String commit(Path target, boolean overwrite, String content, CyclicBarrier both) throws Exception {
        try (OutputFolder output = OutputFolder.open(target.toString(), overwrite, List.of(), new Configuration())) {
            output.write("kv_scales.json", content.getBytes(StandardCharsets.UTF_8));
            output.write("run.json", content.getBytes(StandardCharsets.UTF_8));
            both.await(60, TimeUnit.SECONDS); // the other may have failed
            output.commit();
            return content;
        } catch (OutputException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static List<String> names(FileSystem fs, Path folder) throws IOException {
        return Arrays.stream(fs.listStatus(folder))
                .map(status -> status.getPath().getName())
                .sorted()
                .toList();
    }

    private static String text(FileSystem fs, Path file) throws IOException {
        try (var in = fs.open(file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
