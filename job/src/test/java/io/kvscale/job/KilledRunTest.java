package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Runs in JVMs of their own that get signals in the middle of their work. */
@DisabledOnOs(OS.WINDOWS)
class KilledRunTest {
    @TempDir
    private Path work;

    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void stopProcesses() {
        started.forEach(Process::destroyForcibly);
    }

    /** Overwrites {@code out/result}. Each of 20 captures takes a while to open. */
    private Process calibrate(int millis) throws IOException {
        Process process = OwnJvm.start(
                work,
                List.of(
                        "calibrate",
                        "--recipe",
                        Folder.FP8,
                        "--input",
                        "slow://" + work.resolve("in"),
                        "--output",
                        work.resolve("out/result"),
                        "--overwrite",
                        "--quiet",
                        "--conf",
                        "spark.hadoop.slow.log=" + work.resolve("log"),
                        "--conf",
                        "spark.hadoop.slow.millis=" + millis));
        started.add(process);
        return process;
    }

    private void waitForWork(Process process) throws Exception {
        Files.deleteIfExists(work.resolve("log"));
        while (!Files.exists(work.resolve("log"))) {
            assertThat(process.isAlive())
                    .as(() -> Folder.text(work.resolve("messages")))
                    .isTrue();
            Thread.sleep(20);
        }
    }

    private void assertEnded(Process process) throws InterruptedException {
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    }

    /** Names of our temporary folders. A killed JVM may also leave the native libraries that others unpack there. */
    private List<String> temporaryFolders() throws IOException {
        return Folder.names(work.resolve("tmp")).keySet().stream()
                .filter(name -> name.startsWith("kvscale-"))
                .toList();
    }

    private static void makeOlder(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.toList()) {
                Files.setLastModifiedTime(path, FileTime.from(Instant.now().minus(Duration.ofDays(2))));
            }
        }
    }

    @Test
    @Timeout(120)
    void theOldResultStaysAndALaterRunCleansUp() throws Exception {
        for (int i = 0; i < 20; i++) {
            Capture.of(2, 3, i).write(work.resolve("in/" + i + ".safetensors"));
        }
        Files.createDirectory(work.resolve("tmp"));
        Path out = work.resolve("out");
        Path result = out.resolve("result");
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", Folder.SAMPLE, "--output", result)
                .isDone();
        var old = Folder.content(result);

        Process terminated = calibrate(500);
        waitForWork(terminated);
        terminated.destroy();
        assertEnded(terminated);
        assertThat(terminated.exitValue()).isNotEqualTo(ExitCode.DONE);
        assertThat(Folder.content(result)).isEqualTo(old);
        assertThat(Folder.names(out)).containsOnlyKeys("result");
        assertThat(temporaryFolders()).isEmpty();

        Process killed = calibrate(500);
        waitForWork(killed);
        killed.destroyForcibly();
        assertEnded(killed);
        assertThat(Folder.content(result)).isEqualTo(old);
        assertThat(Folder.names(out)).hasSize(2);
        assertThat(temporaryFolders()).singleElement().asString().contains("-" + killed.pid() + "-");

        makeOlder(out);
        makeOlder(work.resolve("tmp"));
        Process whole = calibrate(0);
        assertEnded(whole);
        assertThat(whole.exitValue())
                .as(() -> Folder.text(work.resolve("messages")))
                .isEqualTo(ExitCode.DONE);
        assertThat(Folder.text(work.resolve("messages")).lines().filter(line -> !line.startsWith("WARNING: ")))
                .isEmpty();
        assertThat(Folder.scales(result).corpus().files()).isEqualTo(20);
        assertThat(Folder.names(out)).containsOnlyKeys("result");
        assertThat(temporaryFolders()).isEmpty();
    }
}
