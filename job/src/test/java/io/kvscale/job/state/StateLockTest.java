package io.kvscale.job.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.job.Folder;
import io.kvscale.job.export.OutputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StateLockTest {
    @TempDir
    private java.nio.file.Path work;

    @Nullable
    private FileSystem fs;

    @BeforeEach
    void connect() throws IOException {
        fs = FileSystem.getLocal(new Configuration()).getRawFileSystem();
    }

    private StateLock take() throws IOException {
        return StateLock.take(fs, new Path(work.toUri()));
    }

    private java.nio.file.Path claim() {
        return work.resolve("lock")
                .resolve(Folder.names(work.resolve("lock")).keySet().iterator().next());
    }

    /** Gives the first claim another name, as another run would have. */
    private void replace(String word, String by) throws IOException {
        java.nio.file.Path claim = claim();
        String name = claim.getFileName().toString();
        assertThat(name).contains(word);
        Files.move(claim, claim.resolveSibling(name.replace(word, by)));
    }

    private void shift(Duration time) throws IOException {
        try (Stream<java.nio.file.Path> all = Files.walk(claim())) {
            for (java.nio.file.Path path : all.toList()) {
                Files.setLastModifiedTime(path, FileTime.from(Instant.now().plus(time)));
            }
        }
    }

    @Test
    void aSecondRunIsRefusedUntilTheFirstEnds() throws IOException {
        try (StateLock first = take()) {
            assertThat(first).isNotNull();
            assertThatThrownBy(this::take)
                    .isInstanceOf(OutputException.class)
                    .hasMessageContainingAll(
                            "is in use by a run of " + System.getProperty("user.name") + " on " + LocalHost.name()
                                    + " (process " + ProcessHandle.current().pid() + "), which began at 20",
                            "--state");
            assertThat(Folder.names(work.resolve("lock"))).hasSize(1);
        }
        take().close();
        assertThat(Folder.names(work.resolve("lock"))).isEmpty();
    }

    @Test
    void theLockOfAProcessThatIsGoneIsTakenOver() throws IOException {
        StateLock dead = take();
        replace("," + ProcessHandle.current().pid() + ",", ",99999999,");
        take().close();
        // Of a process on another host only the lease tells.
        StateLock elsewhere = take();
        replace("," + ProcessHandle.current().pid() + ",", ",99999999,");
        replace(LocalHost.name(), "another-host");
        assertThatThrownBy(this::take).hasMessageContaining("another-host");
        dead.close();
        elsewhere.close();
    }

    /** In the future: the clock was set back. */
    @ParameterizedTest
    @ValueSource(strings = {"PT-70S", "PT70S", "PT-24H", "P300D"})
    void aLeaseThatEndedIsTakenOver(String time) throws IOException {
        StateLock dead = take();
        replace(LocalHost.name(), "another-host");
        shift(Duration.parse(time));
        take().close();
        dead.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT-30S", "PT30S"})
    void aLeaseThatMayBeRenewedIsNot(String time) throws IOException {
        StateLock living = take();
        replace(LocalHost.name(), "another-host");
        shift(Duration.parse(time));
        assertThatThrownBy(this::take).hasMessageContaining("another-host");
        living.close();
    }

    /** A run that was killed between the first two things that it does. */
    @Test
    void theEmptyClaimOfAProcessThatIsGoneIsTakenOver() throws IOException {
        Files.createDirectories(
                work.resolve("lock/00000000-0000-0000-0000-000000000000,99999999,1790000000,user," + LocalHost.name()));
        take().close();
        assertThat(Folder.names(work.resolve("lock"))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"claim", "a,b,c,d,e", "a,1,9223372036854775807,d,e", "a,1,2,d,e,f"})
    void aClaimOfAnotherNameCounts(String name) throws IOException {
        Files.createDirectories(work.resolve("lock").resolve(name));
        assertThatThrownBy(this::take).hasMessageContaining("a run of unknown on unknown");
    }

    @Test
    void ofManyAtOnceAtMostOneHasIt() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            for (int round = 0; round < 5; round++) {
                List<Callable<StateLock>> takers = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    takers.add(this::take);
                }
                List<StateLock> taken = new ArrayList<>();
                for (Future<StateLock> future : threads.invokeAll(takers)) {
                    try {
                        taken.add(future.get());
                    } catch (java.util.concurrent.ExecutionException e) {
                        assertThat(e.getCause()).isInstanceOf(OutputException.class);
                    }
                }
                assertThat(taken).hasSizeLessThanOrEqualTo(1);
                for (StateLock lock : taken) {
                    lock.close();
                }
            }
        } finally {
            threads.shutdownNow();
        }
    }
}
