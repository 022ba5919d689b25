package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Captures, state and results on HDFS, while processes are killed: the bytes are those of a run that nothing disturbed. The
 * properties {@code kvscale.kills} and {@code kvscale.seed} give the number of kills and choose their moments.
 */
@Tag("cluster")
class KilledHdfsTest {
    private static final int FILES = 24;
    private static final int DEFAULT_KILLS = 10;
    private static final String CLUSTER = "local-cluster[2,1,1024]";

    private enum Victim {
        DRIVER,
        EXECUTOR,
        BOTH
    }

    @TempDir
    private Path work;

    private Path recipe = Path.of("");
    private @Nullable MiniDFSCluster hdfs;
    private @Nullable OwnCluster spark;

    @BeforeEach
    void start() throws IOException {
        Configuration configuration = new Configuration();
        configuration.set(
                MiniDFSCluster.HDFS_MINIDFS_BASEDIR, work.resolve("dfs").toString());
        configuration.setInt("dfs.blocksize", 1 << 20);
        configuration.setInt("dfs.replication", 2);
        // A read of one block takes a quarter of a second, so that a datanode can be killed in the middle.
        configuration.setLong("dfs.datanode.data.read.bandwidthPerSec", 4 << 20);
        hdfs = new MiniDFSCluster.Builder(configuration).numDataNodes(3).build();
        recipe = Folder.recipe(work, "num_bits: 8, type: float, strategy: attn_head, observer: minmax");
    }

    @AfterEach
    void stop() {
        if (spark != null) {
            spark.close();
        }
        if (hdfs != null) {
            hdfs.shutdown();
        }
    }

    private FileSystem files() throws IOException {
        return java.util.Objects.requireNonNull(hdfs).getFileSystem();
    }

    private String at(String path) throws IOException {
        return files().getUri() + path;
    }

    private void put(int i, Capture capture) throws IOException {
        try (var out = files().create(new org.apache.hadoop.fs.Path("/in/sample-" + i + ".safetensors"), true)) {
            out.write(capture.bytes());
        }
    }

    /** The files of a result on HDFS. */
    private SortedMap<String, String> content(String folder) throws IOException {
        Path copy = work.resolve("copy-" + System.nanoTime());
        files().copyToLocalFile(
                        false,
                        new org.apache.hadoop.fs.Path(folder),
                        new org.apache.hadoop.fs.Path(copy.toString()),
                        true);
        return Folder.content(copy);
    }

    private SortedMap<String, String> undisturbed() throws IOException {
        Path out = work.resolve("undisturbed-" + System.nanoTime());
        Cli.run("calibrate", "--recipe", recipe, "--input", at("/in"), "--output", out)
                .isDone();
        return Folder.content(out);
    }

    private List<Object> command(int partitions) throws IOException {
        return new ArrayList<>(List.of(
                "calibrate",
                "--recipe",
                recipe,
                "--input",
                at("/in"),
                "--output",
                at("/out"),
                "--overwrite",
                "--state",
                at("/state"),
                "--partitions",
                partitions));
    }

    @Test
    @Timeout(120)
    void aDatanodeThatDiesInTheMiddleOfARunDoesNotChangeTheResult() throws Exception {
        for (int i = 0; i < 4; i++) {
            Capture large = new Capture();
            int tokens = 1 << 15;
            byte[] values = new byte[2 * tokens * 32 * 2];
            new Random(i).nextBytes(values);
            for (int b = 1; b < values.length; b += 2) {
                values[b] &= 0x3f; // no NaN
            }
            for (int layer = 0; layer < 2; layer++) {
                large.raw("layers." + layer + ".keys", "BF16", List.of(1L, 2L, (long) tokens, 32L), values);
                large.raw("layers." + layer + ".values", "BF16", List.of(1L, 2L, (long) tokens, 32L), values);
            }
            put(i, large);
        }
        SortedMap<String, String> expected = undisturbed();
        MiniDFSCluster cluster = java.util.Objects.requireNonNull(hdfs);
        CompletableFuture<Cli> run = CompletableFuture.supplyAsync(() -> {
            try {
                return Cli.run(command(4).toArray());
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        cluster.stopDataNode(readingDatanode(cluster, run));
        assertThat(run).isNotDone();
        run.get().isDone();
        assertThat(content("/out")).isEqualTo(expected);
        Cli again = Cli.run(command(4).toArray()).isDone();
        assertThat(again.err()).doesNotContain("warning");
        assertThat(content("/out")).isEqualTo(expected);
    }

    /** The first datanode that sends blocks to the run, after the run has a group in its state. */
    private int readingDatanode(MiniDFSCluster cluster, CompletableFuture<Cli> run) throws Exception {
        while (true) {
            assertThat(run).isNotDone();
            for (int i = 0; i < 3; i++) {
                if (hasGroup() && cluster.getDataNodes().get(i).getXceiverCount() > 1) {
                    return i;
                }
            }
            Thread.sleep(10);
        }
    }

    private boolean hasGroup() throws IOException {
        var groups = new org.apache.hadoop.fs.Path("/state/groups");
        return files().exists(groups) && files().listStatus(groups).length > 1;
    }

    @Test
    @Timeout(1800)
    void processesKilledAtRandomMomentsChangeNothing() throws Exception {
        for (int i = 0; i < FILES; i++) {
            put(i, Capture.of(2, 3 + i % 5, i));
        }
        SortedMap<String, String> expected = undisturbed();
        OwnCluster cluster = new OwnCluster(work);
        spark = cluster;
        long seed = Long.getLong("kvscale.seed", 19);
        int kills = Integer.getInteger("kvscale.kills", DEFAULT_KILLS);
        Random random = new Random(seed);
        int ended = 0;
        for (int i = 0; i < kills; i++) {
            Victim victim = Victim.values()[i % Victim.values().length];
            Process driver = start(cluster, victim == Victim.DRIVER ? "local[2]" : CLUSTER);
            awaitBegin(driver);
            boolean over = driver.waitFor(random.nextInt(4_000), TimeUnit.MILLISECONDS);
            List<ProcessHandle> executors = driver.descendants().toList();
            if (victim != Victim.EXECUTOR) {
                driver.destroyForcibly();
            }
            if (victim == Victim.EXECUTOR && !executors.isEmpty()) {
                executors.get(random.nextInt(executors.size())).destroyForcibly();
            } else if (victim == Victim.BOTH) {
                executors.forEach(ProcessHandle::destroyForcibly);
            }
            assertThat(driver.waitFor(120, TimeUnit.SECONDS)).isTrue();
            if (over || victim == Victim.EXECUTOR) {
                assertDone(driver, seed, i, expected);
                put(random.nextInt(FILES), Capture.of(2, 3 + random.nextInt(5), 1000L + i));
                expected = undisturbed();
                ended++;
            }
        }
        Process last = start(cluster, "local[2]");
        assertThat(last.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertDone(last, seed, kills, expected);
        System.out.printf("%d kills on HDFS with seed %d; %d runs came to their end%n", kills, seed, ended);
    }

    private Process start(OwnCluster cluster, String master) throws IOException {
        List<String> words = new ArrayList<>(List.of(Main.class.getName()));
        command(FILES).forEach(word -> words.add(word.toString()));
        words.addAll(List.of("--master", master));
        cluster.settings().forEach(setting -> words.addAll(List.of("--conf", setting)));
        return cluster.java("driver", words);
    }

    /** Waits until a run has the lock of the state. */
    private void awaitBegin(Process driver) throws Exception {
        org.apache.hadoop.fs.Path locks = new org.apache.hadoop.fs.Path("/state/lock");
        String process = "," + driver.pid() + ",";
        while (driver.isAlive()) {
            if (files().exists(locks)) {
                for (var claim : files().listStatus(locks)) {
                    if (claim.getPath().getName().contains(process)) {
                        return;
                    }
                }
            }
            Thread.sleep(20);
        }
    }

    private void assertDone(Process driver, long seed, int kill, SortedMap<String, String> expected)
            throws IOException {
        String messages = Folder.text(work.resolve("driver.log"));
        assertThat(driver.exitValue())
                .as("seed %d, kill %d: %s", seed, kill, messages)
                .isEqualTo(ExitCode.DONE);
        assertThat(messages).as("seed %d, kill %d", seed, kill).doesNotContain("cannot be used");
        assertThat(content("/out")).as("seed %d, kill %d", seed, kill).isEqualTo(expected);
    }
}
