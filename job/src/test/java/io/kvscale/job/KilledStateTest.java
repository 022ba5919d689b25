package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Runs with a state that get SIGKILL. The next run goes on, and its result has the bytes of a run without a state. */
@DisabledOnOs(OS.WINDOWS)
class KilledStateTest {
    private static final int FILES = 24;

    @TempDir
    private Path work;

    private Path recipe = Path.of("");
    private SortedMap<String, String> expected = new TreeMap<>();
    private final List<Process> started = new ArrayList<>();

    @BeforeEach
    void calibrateWithoutState() throws IOException {
        for (int i = 0; i < FILES; i++) {
            Capture.of(2, 3 + i % 5, i).write(input(i));
        }
        Files.createDirectory(work.resolve("tmp"));
        recipe = Folder.recipe(work, "num_bits: 8, type: float, strategy: attn_head, observer: minmax");
        expected = fresh("whole");
    }

    private SortedMap<String, String> fresh(String name) {
        Cli.run("calibrate", "--recipe", recipe, "--input", work.resolve("in"), "--output", work.resolve(name))
                .isDone();
        return Folder.content(work.resolve(name));
    }

    @AfterEach
    void stopProcesses() {
        started.forEach(Process::destroyForcibly);
    }

    private Path input(int i) {
        return work.resolve("in/sample-" + i + ".safetensors");
    }

    /** Writes {@code out}. Each file is a group, and takes {@code millis} to open. */
    private Process calibrate(int millis) throws IOException {
        Files.deleteIfExists(work.resolve("log"));
        Process process = OwnJvm.start(
                work,
                List.of(
                        "calibrate",
                        "--recipe",
                        recipe,
                        "--input",
                        "slow://" + work.resolve("in"),
                        "--output",
                        work.resolve("out"),
                        "--overwrite",
                        "--state",
                        work.resolve("state"),
                        "--partitions",
                        FILES,
                        "--conf",
                        "spark.hadoop.slow.log=" + work.resolve("log"),
                        "--conf",
                        "spark.hadoop.slow.millis=" + millis));
        started.add(process);
        return process;
    }

    private long groups() throws IOException {
        if (!Files.isDirectory(work.resolve("state/groups"))) {
            return 0;
        }
        try (Stream<Path> files = Files.list(work.resolve("state/groups"))) {
            return files.filter(file -> file.toString().endsWith(".kvgroup")).count();
        }
    }

    private void assertGoesOn() throws Exception {
        Process last = calibrate(0);
        assertThat(last.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(last.exitValue()).as(Folder.text(work.resolve("messages"))).isZero();
        assertThat(Folder.text(work.resolve("messages"))).doesNotContain("cannot be used");
        assertThat(Folder.content(work.resolve("out"))).isEqualTo(expected);
    }

    private long opened() {
        return Folder.text(work.resolve("log"))
                .lines()
                .filter(line -> line.endsWith(".safetensors"))
                .count();
    }

    @Test
    @Timeout(240)
    void aKilledRunGoesOnWhereItStopped() throws Exception {
        Process killed = calibrate(300);
        while (groups() < 6) {
            assertThat(killed.isAlive())
                    .as(() -> Folder.text(work.resolve("messages")))
                    .isTrue();
            Thread.sleep(20);
        }
        killed.destroyForcibly().waitFor();
        long kept = groups();
        assertThat(kept).isLessThan(FILES);
        assertGoesOn();
        // minmax reads a second time for counts; four files are also looked at for their layout.
        assertThat(opened()).isLessThanOrEqualTo(2L * FILES - kept + 4);
    }

    /**
     * Most of them after they took the lock of the state: before that, a run only starts Java and Spark. The moments lie
     * within the time that a whole run takes on this machine.
     */
    @Test
    @Tag("cluster")
    @Timeout(1800)
    void thirtyRunsKilledAtRandomMomentsChangeNothing() throws Exception {
        long seed = Long.getLong("kvscale.seed", 19);
        Random random = new Random(seed);
        Process first = calibrate(30);
        awaitClaim(first, Set.of());
        long start = System.nanoTime();
        assertThat(first.waitFor(120, TimeUnit.SECONDS)).isTrue();
        long whole = System.nanoTime() - start;
        int kills = 0;
        for (int i = 0; i < 30; i++) {
            Set<String> dead = claims();
            Process run = calibrate(random.nextInt(60));
            if (i % 6 != 5) {
                awaitClaim(run, dead);
            }
            boolean ended = run.waitFor(random.nextLong(whole), TimeUnit.NANOSECONDS);
            run.destroyForcibly().waitFor();
            if (ended) {
                assertThat(run.exitValue())
                        .as("seed %d: %s", seed, Folder.text(work.resolve("messages")))
                        .isZero();
                assertThat(Folder.content(work.resolve("out"))).isEqualTo(expected);
            } else {
                kills++;
            }
            if (ended || i % 10 == 9) {
                for (int file = random.nextInt(FILES); file < FILES; file++) {
                    Capture.of(2, 3 + random.nextInt(5), 1000 + FILES * i + file)
                            .write(input(file));
                }
                expected = fresh("expected-" + i);
            }
        }
        assertThat(kills).isGreaterThan(10);
        assertGoesOn();
    }

    /** Waits until the run holds the state. */
    private void awaitClaim(Process run, Set<String> dead) throws Exception {
        while (run.isAlive() && dead.containsAll(claims())) {
            Thread.sleep(5);
        }
    }

    /** The folders with which runs hold the state, those of dead runs too. */
    private Set<String> claims() {
        Path lock = work.resolve("state/lock");
        return Files.isDirectory(lock) ? Folder.names(lock).keySet() : Set.of();
    }
}
