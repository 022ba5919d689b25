package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import io.kvscale.job.export.CommitRace;
import io.kvscale.job.state.StateFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Inputs and results on HDFS have the same bytes as on local disks. */
class HdfsTest {
    @TempDir
    private static Path work = Path.of("");

    private static @Nullable MiniDFSCluster cluster;
    private static String hdfs = "";
    private static SortedMap<String, String> local = new java.util.TreeMap<>();

    @BeforeAll
    static void startAndCopyTheSample() throws IOException {
        Configuration configuration = new Configuration();
        configuration.set(
                MiniDFSCluster.HDFS_MINIDFS_BASEDIR, work.resolve("dfs").toString());
        configuration.setInt("dfs.blocksize", 1 << 20);
        MiniDFSCluster started =
                new MiniDFSCluster.Builder(configuration).numDataNodes(1).build();
        cluster = started;
        hdfs = started.getFileSystem().getUri().toString();
        started.getFileSystem()
                .copyFromLocalFile(
                        new org.apache.hadoop.fs.Path(Folder.SAMPLE.toString()), new org.apache.hadoop.fs.Path("/in"));
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", Folder.SAMPLE, "--output", work.resolve("local"))
                .isDone();
        local = Folder.content(work.resolve("local"));
    }

    @AfterAll
    static void stop() {
        if (cluster != null) {
            cluster.shutdown();
        }
    }

    @Test
    void fromHdfsToHdfs() throws IOException {
        for (int i = 0; i < 2; i++) {
            Cli done = Cli.run(
                            "calibrate",
                            "--recipe",
                            Folder.FP8,
                            "--input",
                            hdfs + "/in",
                            "--output",
                            hdfs + "/results/out",
                            "--partitions",
                            5,
                            "--overwrite")
                    .isDone();
            assertThat(done.out()).contains("wrote " + hdfs + "/results/out/kv_scales.json");
        }
        FileSystem fs = FileSystem.get(java.net.URI.create(hdfs), new Configuration());
        assertThat(fs.listStatus(new org.apache.hadoop.fs.Path("/results"))).hasSize(1);
        fs.copyToLocalFile(
                new org.apache.hadoop.fs.Path("/results/out"),
                new org.apache.hadoop.fs.Path(work.resolve("back").toString()));
        SortedMap<String, String> back = Folder.content(work.resolve("back"));
        back.keySet().removeIf(name -> name.endsWith(".crc"));
        assertThat(back).isEqualTo(local);
    }

    @Test
    void fromHdfsToALocalFolderAndBack() {
        Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.FP8,
                        "--input",
                        hdfs + "/in/*.safetensors",
                        "--output",
                        work.resolve("mixed"))
                .isDone();
        assertThat(Folder.content(work.resolve("mixed"))).isEqualTo(local);
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", Folder.SAMPLE, "--output", hdfs + "/from-local")
                .isDone();
        Cli.run("compare", hdfs + "/from-local", work.resolve("local")).isDone();
    }

    @Test
    void scalesReadsStatisticsFromHdfs() {
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", hdfs + "/in", "--output", hdfs + "/stats")
                .isDone();
        Cli.run(
                        "scales",
                        "--report",
                        "--statistics",
                        hdfs + "/stats/statistics.kvstats",
                        "--recipe",
                        Folder.FP8,
                        "--output",
                        work.resolve("derived"))
                .isDone();
        assertThat(Folder.content(work.resolve("derived"))).isEqualTo(local);
    }

    @Test
    void aStateOnHdfs() throws IOException {
        String state = hdfs + "/state";
        SortedMap<String, String> first = withState("state-1", state, "--partitions", 5);
        assertThat(first).isEqualTo(local);
        FileSystem fs = FileSystem.get(java.net.URI.create(hdfs), new Configuration());
        org.apache.hadoop.fs.Path groups = new org.apache.hadoop.fs.Path("/state/groups");
        assertThat(fs.listStatus(groups)).hasSize(6); // and one about the layout
        assertThat(withState("state-2", state)).isEqualTo(local);
        assertThat(Folder.json(work.resolve("state-2/run.json"))
                        .at("/state/groups_reused")
                        .asInt())
                .isEqualTo(5);
        for (FileStatus group : fs.listStatus(groups)) {
            fs.truncate(group.getPath(), group.getLen() / 2);
        }
        assertThat(withState("state-3", state)).isEqualTo(local);
        try (StateFolder running = StateFolder.open(state, new Configuration())) {
            assertThat(running.name()).isEqualTo(state);
            Cli.run("state", state, "--prune").fails(ExitCode.OUTPUT, "is in use by a run of ");
        }
        Cli.run("state", state, "--prune", "--verify").isDone();
    }

    private static SortedMap<String, String> withState(String output, String state, Object... more) {
        List<Object> words = new ArrayList<>(List.of("calibrate", "--recipe", Folder.FP8, "--input", hdfs + "/in"));
        words.addAll(List.of("--output", work.resolve(output), "--state", state));
        words.addAll(List.of(more));
        Cli.run(words.toArray()).isDone();
        return Folder.content(work.resolve(output));
    }

    @Test
    void anExistingOutputOnHdfsIsRefused() {
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", hdfs + "/in", "--output", hdfs + "/in")
                .fails(ExitCode.OUTPUT, hdfs + "/in", "--output");
    }

    @Test
    void modelTextsAndCapturesAreOnHdfs() throws IOException {
        Path model = Folder.HOME.resolve("conf/tiny-model");
        String recipe = Folder.HOME.resolve("conf/recipes/fp8_text.yaml").toString();
        FileSystem fs = FileSystem.get(java.net.URI.create(hdfs), new Configuration());
        fs.copyFromLocalFile(
                new org.apache.hadoop.fs.Path(model.toString()), new org.apache.hadoop.fs.Path("/models/tiny"));
        Cli.run(
                        "calibrate",
                        "--recipe",
                        recipe,
                        "--model",
                        model,
                        "--text",
                        model.resolve("texts.jsonl"),
                        "--output",
                        work.resolve("text"))
                .isDone();
        Cli.run(
                        "calibrate",
                        "--recipe",
                        recipe,
                        "--model",
                        hdfs + "/models/tiny",
                        "--text",
                        hdfs + "/models/tiny/*.jsonl",
                        "--save-captures",
                        hdfs + "/captures",
                        "--output",
                        work.resolve("text-hdfs"))
                .isDone();
        assertThat(Folder.content(work.resolve("text-hdfs"))).isEqualTo(Folder.content(work.resolve("text")));
        Cli.run("calibrate", "--recipe", recipe, "--input", hdfs + "/captures", "--output", work.resolve("captured"))
                .isDone();
        assertThat(Folder.content(work.resolve("captured"))).isEqualTo(Folder.content(work.resolve("text")));
        Cli evaluated = Cli.run(
                        "evaluate",
                        "--model",
                        hdfs + "/models/tiny",
                        "--text",
                        hdfs + "/models/tiny/texts.jsonl",
                        "--scales",
                        work.resolve("text"))
                .isDone();
        assertThat(evaluated.out()).contains("perplexity");
    }

    @Test
    void oneOfTwoRunsThatEndTogetherWins() throws Exception {
        assertThat(new CommitRace(hdfs + "/race", 10, true).run(false)).isEqualTo(10);
        assertThat(new CommitRace(hdfs + "/race", 20, true).run(true)).isZero();
    }

    @Test
    void aMissingModelOnHdfsIsNamed() {
        Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.HOME.resolve("conf/recipes/fp8_text.yaml"),
                        "--model",
                        hdfs + "/models/none",
                        "--text",
                        hdfs + "/in",
                        "--output",
                        work.resolve("none"))
                .fails(ExitCode.DATA, "the folder does not exist", "/models/none", "--model");
    }
}
