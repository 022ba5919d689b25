package io.kvscale.job.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Output folders on a file system that moves folders file by file. */
class CopyingCommitTest {
    private static final int FOR_EVER = Integer.MAX_VALUE;
    private static final List<String> RESULTS = List.of("kv_scales.json", "run.json", "vllm/config.json");
    private static final List<String> EXPORT = List.of("config.json", "model.safetensors");
    private static final String LOCK = ".out.commit";
    private static final List<String> CAPTURES = List.of("a.safetensors", "b/c.safetensors");

    @TempDir
    private Path work;

    @BeforeEach
    void live() {
        CopyingFileSystem.killAfter(FOR_EVER);
        CopyingFileSystem.conditional = true;
    }

    private OutputFolder open(OutputClaim.Content content, boolean overwrite) {
        String target = "copying://" + work + "/out";
        return switch (content) {
            case RESULTS -> OutputFolder.open(target, overwrite, List.of(), CopyingFileSystem.configuration());
            case CAPTURES -> OutputFolder.forCaptures(target, overwrite, List.of(), CopyingFileSystem.configuration());
            case EXPORT ->
                OutputFolder.forExport(
                        target,
                        overwrite,
                        List.of(),
                        new ExportRecord("vllm", "0", null, null, new TreeSet<>(EXPORT)),
                        CopyingFileSystem.configuration());
        };
    }

    private static List<String> names(OutputClaim.Content content) {
        return switch (content) {
            case RESULTS -> RESULTS;
            case CAPTURES -> CAPTURES;
            case EXPORT -> EXPORT;
        };
    }

    /** The bytes of a file. */
    private static String bytes(OutputClaim.Content content, String text) {
        String header = "{\"__metadata__\":{\"of\":\"%s\"},\"layers.0.keys\":"
                + "{\"dtype\":\"F32\",\"shape\":[1,1,1],\"data_offsets\":[0,4]}}";
        String capture = header.formatted(text);
        return content == OutputClaim.Content.CAPTURES
                ? (char) capture.length() + "\0".repeat(7) + capture + "\0".repeat(4)
                : text;
    }

    private void write(OutputClaim.Content content, boolean overwrite, String text) {
        try (OutputFolder output = open(content, overwrite)) {
            try {
                for (String name : names(content)) {
                    output.write(name, bytes(content, text).getBytes(StandardCharsets.UTF_8));
                }
                output.commit();
            } catch (OutputException e) {
                Thread.currentThread().interrupt(); // else closing would wait for tasks
                throw e;
            }
        } finally {
            Thread.interrupted();
        }
    }

    private Set<String> found() throws IOException {
        Path out = work.resolve("out");
        if (!Files.exists(out)) {
            return new HashSet<>();
        }
        try (Stream<Path> files = Files.walk(out)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> out.relativize(file).toString())
                    .filter(name -> !name.equals(ExportRecord.FILE))
                    .collect(Collectors.toCollection(HashSet::new));
        }
    }

    /** Checks that the folder is whole, with the content of one run. Returns the content. */
    private String whole(OutputClaim.Content content) throws IOException {
        Set<String> expected = new HashSet<>(names(content));
        expected.add("_SUCCESS");
        assertThat(found()).isEqualTo(expected);
        Set<String> texts = new HashSet<>();
        for (String name : names(content)) {
            texts.add(Files.readString(work.resolve("out").resolve(name)));
        }
        assertThat(texts).hasSize(1);
        return texts.iterator().next();
    }

    private void age() throws IOException {
        try (Stream<Path> all = Files.walk(work)) {
            for (Path path : all.toList()) {
                Files.setLastModifiedTime(path, FileTime.from(Instant.now().minus(Duration.ofDays(2))));
            }
        }
    }

    private SortedSet<String> beside() throws IOException {
        try (Stream<Path> files = Files.list(work)) {
            return files.map(file -> file.getFileName().toString()).collect(Collectors.toCollection(TreeSet::new));
        }
    }

    /** Kills a run after each of its steps. A reader who sees _SUCCESS sees all of the old or all of the new result. */
    @ParameterizedTest
    @EnumSource(OutputClaim.Content.class)
    void aKilledRunLeavesNoWrongResult(OutputClaim.Content content) throws IOException {
        for (boolean overwrite : new boolean[] {false, true}) {
            int incomplete = 0;
            boolean done = false;
            for (int steps = 5; !done; steps++) {
                live();
                if (overwrite) {
                    write(content, true, "old");
                }
                CopyingFileSystem.killAfter(steps);
                try {
                    write(content, overwrite, "new");
                    done = steps > 20;
                } catch (OutputException e) {
                    assertThat(e).hasMessageContaining("cannot be written: ").hasMessageContaining("killed");
                }
                Set<String> found = found();
                if (found.contains("_SUCCESS")) {
                    assertThat(whole(content)).isIn(bytes(content, "old"), bytes(content, "new"));
                } else if (!found.isEmpty()) {
                    incomplete++;
                    live();
                    assertThatThrownBy(() -> open(content, false))
                            .hasMessageContaining("without _SUCCESS")
                            .hasMessageContaining("--overwrite");
                }
                live();
                age();
                if (steps % 8 != 0) {
                    Files.deleteIfExists(work.resolve(LOCK)); // a run takes a second to replace it
                }
                write(content, true, "next");
                assertThat(whole(content)).isEqualTo(bytes(content, "next"));
                assertThat(beside()).containsExactly("out");
                CopyingFileSystem.delete(work.resolve("out").toFile());
            }
            assertThat(incomplete).isGreaterThan(3);
        }
    }

    /** The lease of another run in the middle of its commit. */
    private Path lock() throws IOException {
        Path staging = Files.createDirectory(work.resolve(".out." + UUID.randomUUID() + ".tmp"));
        Files.writeString(work.resolve(LOCK), staging.getFileName().toString());
        return Files.createFile(staging.resolve(Lease.FILE));
    }

    @Test
    void aRunWaitsForOneThatLives() throws Exception {
        Path lease = lock();
        CompletableFuture<Void> run =
                CompletableFuture.runAsync(() -> write(OutputClaim.Content.RESULTS, false, "new"));
        TimeUnit.SECONDS.sleep(1);
        assertThat(run).isNotDone();
        assertThat(found()).isEmpty();
        Files.setLastModifiedTime(lease, FileTime.from(Instant.now().minusSeconds(90)));
        run.get(60, TimeUnit.SECONDS);
        assertThat(whole(OutputClaim.Content.RESULTS)).isEqualTo("new");
        assertThat(work.resolve(LOCK)).doesNotExist();
    }

    /** Without conditional writes a run waits, and looks whether it still has the lock. */
    @Test
    void oneOfTwoRunsTakesTheLock() throws Exception {
        CopyingFileSystem.conditional = false;
        CompletableFuture<Void> run =
                CompletableFuture.runAsync(() -> write(OutputClaim.Content.RESULTS, false, "new"));
        Path lock = work.resolve(LOCK);
        while (!Files.exists(lock) || Files.size(lock) == 0) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
        Path lease = lock();
        TimeUnit.SECONDS.sleep(2);
        assertThat(run).isNotDone();
        assertThat(found()).isEmpty();
        Files.delete(lease);
        run.get(60, TimeUnit.SECONDS);
        assertThat(whole(OutputClaim.Content.RESULTS)).isEqualTo("new");
    }

    @Test
    void aForeignFileWithTheNameOfTheLockStays() throws IOException {
        Path lock = Files.writeString(work.resolve(LOCK), "years of work");
        assertThatThrownBy(() -> write(OutputClaim.Content.RESULTS, false, "new"))
                .isInstanceOf(OutputException.class)
                .hasMessageContaining(LOCK + " is not a lock of kvscale");
        assertThat(lock).hasContent("years of work");
        assertThat(beside()).containsExactly(LOCK);
    }
}
