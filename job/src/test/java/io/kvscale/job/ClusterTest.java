package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Runs the shipped jar on a cluster with two executor processes. */
@Tag("cluster")
class ClusterTest {
    private static final int FILES = 40;

    /** How often files are opened if nothing is killed: minmax reads twice, and the driver looks at the layout of four. */
    private static final int OPENED = 2 * FILES + 4;

    @TempDir
    private Path work;

    private Path input = Path.of("");
    private Path recipe = Path.of("");
    private Path log = Path.of("");
    private SortedMap<String, String> expected = new java.util.TreeMap<>();

    private @Nullable OwnCluster cluster;

    @BeforeEach
    void calibrateInThisProcess() throws IOException {
        input = work.resolve("in");
        log = work.resolve("slow.log");
        for (int i = 0; i < FILES; i++) {
            Capture.of(2, 3 + i % 5, i).write(input.resolve("sample-" + i + ".safetensors"));
        }
        recipe = Folder.recipe(work, "num_bits: 8, type: float, strategy: attn_head, observer: minmax");
        Cli.run("calibrate", "--recipe", recipe, "--input", input, "--output", work.resolve("local"))
                .isDone();
        expected = Folder.content(work.resolve("local"));
        cluster = new OwnCluster(work);
    }

    @AfterEach
    void stopProcesses() {
        if (cluster != null) {
            cluster.close();
        }
    }

    private OwnCluster cluster() {
        return Objects.requireNonNull(cluster);
    }

    private Process calibrate(String master, String scheme, String... settings) throws IOException {
        return calibrate(
                master,
                List.of("--recipe", recipe.toString(), "--input", scheme + input, "--partitions", "20"),
                settings);
    }

    private Process calibrate(String master, List<String> options, String... settings) throws IOException {
        List<String> words = new ArrayList<>(List.of("io.kvscale.job.Main", "calibrate"));
        words.addAll(options);
        words.addAll(List.of("--output", work.resolve("cluster").toString(), "--master", master));
        List<String> all = settings();
        Collections.addAll(all, settings);
        all.forEach(setting -> words.addAll(List.of("--conf", setting)));
        return cluster().java("driver", words);
    }

    private List<String> settings() {
        List<String> settings = cluster().settings();
        settings.add("spark.hadoop.slow.log=" + log);
        return settings;
    }

    private void assertEndsWithSameBytes(Process driver) throws InterruptedException {
        assertThat(driver.waitFor(180, TimeUnit.SECONDS))
                .as(() -> Folder.text(work.resolve("driver.log")))
                .isTrue();
        assertThat(driver.exitValue())
                .as(() -> Folder.text(work.resolve("driver.log")))
                .isEqualTo(ExitCode.DONE);
        assertThat(Folder.content(work.resolve("cluster"))).isEqualTo(expected);
    }

    /** Starts a master and two workers. Speculative tasks need another host, so each worker has its own address. */
    private String standalone() throws IOException, InterruptedException {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        Process master = cluster()
                .java(
                        "master",
                        List.of(
                                "org.apache.spark.deploy.master.Master",
                                "--host",
                                "127.0.0.1",
                                "--port",
                                "" + port,
                                "--webui-port",
                                "0"));
        while (!isListening(port)) {
            assertThat(master.isAlive()).isTrue();
            Thread.sleep(100);
        }
        String url = "spark://127.0.0.1:" + port;
        for (int i = 1; i <= 2; i++) {
            cluster()
                    .java(
                            "worker-" + i,
                            List.of(
                                    "org.apache.spark.deploy.worker.Worker",
                                    "--host",
                                    "127.0.0." + i,
                                    "--port",
                                    "0",
                                    "--webui-port",
                                    "0",
                                    "--cores",
                                    "1",
                                    "--memory",
                                    "1g",
                                    "--work-dir",
                                    work.resolve("worker-" + i).toString(),
                                    url));
        }
        return url;
    }

    private static boolean isListening(int port) {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    /** A line for each opened file: the process id and the file name. */
    private List<String> openedFiles() throws IOException {
        return Files.exists(log) ? Files.readAllLines(log) : List.of();
    }

    private Set<Long> processes() throws IOException {
        Set<Long> processes = new TreeSet<>();
        openedFiles().forEach(line -> processes.add(Long.parseLong(line.substring(0, line.indexOf(' ')))));
        return processes;
    }

    @Test
    @Timeout(240)
    void killingAnExecutorDoesNotChangeTheResult() throws Exception {
        Process driver = calibrate("local-cluster[2,1,1024]", "slow://", "spark.hadoop.slow.millis=250");
        killOneExecutor(driver, FILES / 3);
        assertEndsWithSameBytes(driver);
        // The work of the killed executor was repeated.
        assertThat(openedFiles()).hasSizeGreaterThan(OPENED);
        assertThat(processes()).hasSizeGreaterThanOrEqualTo(2);
    }

    @Test
    @Timeout(240)
    @EnabledOnOs(OS.LINUX)
    void killingTwoExecutorsOfAStandaloneClusterDoesNotChangeTheResult() throws Exception {
        Process driver = calibrate(standalone(), "slow://", "spark.hadoop.slow.millis=250");
        killOneExecutor(driver, FILES / 4);
        killOneExecutor(driver, FILES / 2);
        assertEndsWithSameBytes(driver);
        assertThat(openedFiles()).hasSizeGreaterThan(OPENED);
        assertThat(processes()).hasSizeGreaterThanOrEqualTo(3);
    }

    @Test
    @Timeout(360)
    void aRunWithAStateGoesOnAfterExecutorAndDriverWereKilled() throws Exception {
        List<String> options = List.of(
                "--recipe",
                recipe.toString(),
                "--input",
                "slow://" + input,
                "--partitions",
                "20",
                "--state",
                work.resolve("state").toString());
        Process driver = calibrate("local-cluster[2,1,1024]", options, "spark.hadoop.slow.millis=250");
        killOneExecutor(driver, FILES / 4);
        while (openedFiles().size() < FILES / 2) {
            assertThat(driver.isAlive()).isTrue();
            Thread.sleep(50);
        }
        List<ProcessHandle> executors = driver.descendants().toList();
        driver.destroyForcibly().waitFor();
        executors.forEach(ProcessHandle::destroyForcibly);
        Files.delete(log);

        assertEndsWithSameBytes(calibrate("local-cluster[2,1,1024]", options, "spark.hadoop.slow.millis=0"));
        // minmax reads the captures twice.
        assertThat(openedFiles()).hasSizeLessThan(2 * FILES);
    }

    @Test
    @Timeout(240)
    void capturesThatAnExecutorCannotSaveAreExitCodeFour() throws Exception {
        Path model = Folder.HOME.resolve("conf/tiny-model");
        List<String> options = List.of(
                "--recipe",
                Folder.HOME.resolve("conf/recipes/fp8_text.yaml").toString(),
                "--model",
                model.toString(),
                "--text",
                model.resolve("texts.jsonl").toString(),
                "--save-captures",
                "slow://" + work.resolve("captures"));
        Process driver = calibrate("local-cluster[2,1,1024]", options, "spark.hadoop.slow.full=true");
        assertThat(driver.waitFor(180, TimeUnit.SECONDS)).isTrue();
        String messages = Folder.text(work.resolve("driver.log"));
        assertThat(driver.exitValue()).as(messages).isEqualTo(ExitCode.OUTPUT);
        assertThat(messages).contains("captures cannot be saved in slow:", "No space left on device");
        assertThat(Folder.names(work)).doesNotContainKeys("captures", "cluster");
        assertThat(Folder.names(work).keySet()).allMatch(name -> !name.startsWith("."));
    }

    /** The executor that is killed loses its model, its texts and their K and V. */
    @Test
    @Timeout(240)
    void killingAnExecutorThatRunsAModelDoesNotChangeTheResult() throws Exception {
        Path model = Folder.HOME.resolve("conf/tiny-model");
        Path texts = work.resolve("texts");
        for (int i = 0; i < FILES; i++) {
            Folder.write(texts.resolve(i + ".txt"), ("The text of number " + i + ". ").repeat(1 + 7 * i % 40));
        }
        Path feedbackRecipe = Folder.write(
                work.resolve("fed.yaml"),
                Folder.text(Folder.HOME.resolve("conf/recipes/fp8_text.yaml"))
                        + "  feedback: fake_quantize\n  chunk_tokens: 16\n");
        List<String> options =
                List.of("--recipe", feedbackRecipe.toString(), "--model", model.toString(), "--save-captures");
        List<Object> localCommand =
                new ArrayList<>(List.of("calibrate", "--text", texts, "--output", work.resolve("here")));
        localCommand.addAll(options);
        localCommand.add(work.resolve("captures-here"));
        Cli.run(localCommand.toArray()).isDone();
        List<String> clusterOptions = new ArrayList<>(options);
        clusterOptions.addAll(
                List.of(work.resolve("captures").toString(), "--text", "slow://" + texts, "--partitions", "20"));
        expected = Folder.content(work.resolve("here"));

        Process driver = calibrate("local-cluster[2,1,1024]", clusterOptions, "spark.hadoop.slow.millis=100");
        killOneExecutor(driver, FILES);
        assertEndsWithSameBytes(driver);
        assertThat(Folder.content(work.resolve("captures"))).isEqualTo(Folder.content(work.resolve("captures-here")));
        assertThat(openedFiles()).hasSizeGreaterThan(FILES);
        assertThat(processes()).hasSizeGreaterThanOrEqualTo(2).doesNotContain(driver.pid());
    }

    private void killOneExecutor(Process driver, int files) throws Exception {
        while (openedFiles().size() < files) {
            assertThat(driver.isAlive())
                    .as(() -> Folder.text(work.resolve("driver.log")))
                    .isTrue();
            Thread.sleep(10);
        }
        long victim = Long.parseLong(openedFiles().get(openedFiles().size() - 1).split(" ")[0]);
        assertThat(victim).isNotEqualTo(driver.pid());
        ProcessHandle executor = ProcessHandle.of(victim).orElseThrow();
        assertThat(cluster().executors()).contains(executor);
        executor.destroyForcibly();
    }

    @Test
    @Timeout(240)
    @EnabledOnOs(OS.LINUX)
    void aSpeculativeTaskDoesNotChangeTheResult() throws Exception {
        assertEndsWithSameBytes(calibrate(
                standalone(),
                "slow://",
                "spark.hadoop.slow.millis=50",
                "spark.hadoop.slow.stuck=sample-7.safetensors",
                "spark.speculation=true",
                "spark.speculation.quantile=0.3",
                "spark.speculation.multiplier=1.5",
                "spark.speculation.interval=100ms"));
        assertThat(openedFiles().stream().filter(line -> line.endsWith(" sample-7.safetensors")))
                .hasSizeGreaterThanOrEqualTo(2);
    }

    /** Only the udfs jar is used: executors load its sources, functions and operator. */
    @Test
    @Timeout(240)
    void sqlOnSeparateExecutorsGivesTheSameScales() throws Exception {
        cluster().add(SqlDriver.class);
        Path statistics = work.resolve("sql.kvstats");
        List<String> words = new ArrayList<>();
        List<String> all = settings();
        all.addAll(List.of(
                "spark.master=local-cluster[2,1,1024]",
                "spark.app.name=sql",
                "spark.ui.enabled=false",
                "spark.jars=" + Path.of("../udfs/target/kvscale-udfs.jar").toRealPath(),
                "spark.sql.extensions=io.kvscale.spark.KvScaleExtensions"));
        all.forEach(setting -> words.add("-D" + setting));
        words.addAll(List.of(SqlDriver.class.getName(), "slow://" + input, statistics.toString()));
        Process driver = cluster().java("sql", Path.of("../udfs/target/kvscale-udfs.jar"), words);
        assertThat(driver.waitFor(180, TimeUnit.SECONDS)).isTrue();
        assertThat(driver.exitValue())
                .as(() -> Folder.text(work.resolve("sql.log")))
                .isZero();
        assertThat(processes()).hasSizeGreaterThanOrEqualTo(2).doesNotContain(driver.pid());

        Path plain = Folder.recipe(work, "num_bits: 8, type: float, strategy: attn_head");
        Cli.run("scales", "--statistics", statistics, "--recipe", plain, "--output", work.resolve("sql"))
                .isDone();
        Cli.run("calibrate", "--recipe", plain, "--input", input, "--output", work.resolve("plain"))
                .isDone();
        Cli.run("compare", work.resolve("sql"), work.resolve("plain")).isDone();
    }
}
