package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code kvscale} and its class-data archive, with a {@code java} that only writes down its arguments. */
class LauncherTest {
    private static final String TRAINING = "-XX:ArchiveClassesAtExit=";

    /** Ends the run on the sample as the JVM does, with an archive. */
    private static final String JAVA = """
            #!/bin/sh
            [ "$1" != -version ] || { echo 'openjdk version "17.0.1"' >&2; exit 0; }
            echo "$*" >>"%s"
            for option; do case $option in -XX:ArchiveClassesAtExit=*) %s ;; esac; done
            """;

    @TempDir
    private Path folder;

    private Path home;
    private Path target;
    private Path log;

    @BeforeEach
    void createBuiltTree() throws IOException {
        home = folder.resolve("the tree");
        target = Files.createDirectories(home.resolve("job/target"));
        log = folder.resolve("log");
        for (String source : List.of(".mvn", "udfs/src/main", "job/src/main")) {
            Files.createDirectories(home.resolve(source));
        }
        for (String file : List.of("pom.xml", "udfs/pom.xml", "job/pom.xml", "LICENSE")) {
            Files.createFile(home.resolve(file));
        }
        Files.copy(Path.of(System.getProperty("kvscale.top"), "kvscale"), home.resolve("kvscale"));
        Path spark = Files.createFile(folder.resolve("spark.jar"));
        Files.createFile(target.resolve("kvscale.jar"));
        Files.writeString(target.resolve("jvm.flags"), "-Dflag=1\n");
        Files.writeString(target.resolve("spark.classpath"), spark.toString());
        Path built = Files.createFile(target.resolve("kvscale.built"));
        Files.setLastModifiedTime(built, FileTime.from(Instant.now().plusSeconds(60)));
    }

    @Test
    void anArchiveIsMadeOnceAndUsedByEveryCommand() throws Exception {
        Path jdk = jdk("a", "echo >\"${option#*=}\"");
        assertThat(start(jdk, "inspect", "x")).isEqualTo("kvscale: preparing Spark's classes for faster starts\n");
        assertThat(start(jdk, "inspect", "x")).isEmpty();
        assertThat(runs()).hasSize(3);
        assertThat(runs().get(0)).contains(TRAINING, "calibrate");
        String archive = archives().get(0);
        for (String run : runs().subList(1, 3)) {
            assertThat(run)
                    .contains("-XX:SharedArchiveFile=" + archive, "-Xlog:disable")
                    .endsWith(" inspect x");
        }
    }

    @Test
    void theJarIsLastOnTheClassPathSoThatABuildKeepsTheArchive() throws Exception {
        Path jdk = jdk("a", "echo >\"${option#*=}\"");
        start(jdk, "inspect", "x");
        assertThat(runs().get(1)).contains("spark.jar:" + target.resolve("kvscale.jar"));
        Files.writeString(target.resolve("kvscale.jar"), "another build");
        start(jdk, "inspect", "x");
        assertThat(trainings()).isEqualTo(1);
    }

    @Test
    void otherFlagsOrLibrariesOfSparkGetAnotherArchive() throws Exception {
        Path jdk = jdk("a", "echo >\"${option#*=}\"");
        start(jdk, "inspect", "x");
        Files.writeString(target.resolve("jvm.flags"), "-Dflag=2\n");
        start(jdk, "inspect", "x");
        Files.writeString(
                target.resolve("spark.classpath"), home.resolve("pom.xml").toString());
        start(jdk, "inspect", "x");
        assertThat(trainings()).isEqualTo(3);
    }

    @Test
    void theArchivesOfTwoJdksRemain() throws Exception {
        for (String name : List.of("a", "b", "a", "b", "c", "c")) {
            start(jdk(name, "echo >\"${option#*=}\""), "inspect", "x");
        }
        assertThat(trainings()).isEqualTo(3);
        assertThat(archives()).hasSize(2);
    }

    @Test
    void anArchiveThatCannotBeMadeIsNotTriedAgain() throws Exception {
        Path jdk = jdk("a", "exit 1");
        start(jdk, "inspect", "x");
        assertThat(start(jdk, "inspect", "x")).isEmpty();
        assertThat(trainings()).isEqualTo(1);
        assertThat(runs().get(2)).doesNotContain("SharedArchiveFile", "Xlog").endsWith(" inspect x");
        assertThat(target.resolve("archive.tmp")).doesNotExist();
    }

    @Test
    void twoStartsAtOnceMakeOneArchive() throws Exception {
        Path jdk = jdk("a", "sleep 1; echo >\"${option#*=}\"");
        List<Process> started = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            started.add(launcher(jdk, "inspect", "x").start());
        }
        for (Process process : started) {
            assertThat(process.waitFor()).isZero();
        }
        assertThat(trainings()).isEqualTo(1);
        assertThat(runs())
                .hasSize(4)
                .filteredOn(run -> run.contains("SharedArchiveFile"))
                .hasSize(3);
    }

    @Test
    void aReadOnlyFolderRunsWithoutAnArchive() throws Exception {
        Path jdk = jdk("a", "echo >\"${option#*=}\"");
        Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("r-xr-xr-x"));
        try {
            assumeThat(Files.isWritable(target))
                    .as("the superuser writes anywhere")
                    .isFalse();
            assertThat(start(jdk, "inspect", "x")).isEmpty();
            assertThat(runs()).hasSize(1);
        } finally {
            Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    @Test
    void theVersionNeedsNoFlags() throws Exception {
        Path jdk = jdk("a", "echo >\"${option#*=}\"");
        start(jdk, "--version");
        assertThat(runs().get(1)).doesNotContain("jvm.flags", "spark.jar").endsWith("io.kvscale.job.Main --version");
    }

    private Path jdk(String name, String atExit) throws IOException {
        Path jdk = folder.resolve(name);
        Path java = Files.createDirectories(jdk.resolve("bin")).resolve("java");
        if (Files.notExists(java)) {
            Files.writeString(java, JAVA.formatted(log, atExit));
            Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        return jdk;
    }

    private ProcessBuilder launcher(Path jdk, String... arguments) {
        List<String> command =
                new ArrayList<>(List.of("sh", home.resolve("kvscale").toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("JAVA_HOME", jdk.toString());
        builder.environment().remove("KVSCALE_JAVA_OPTS");
        return builder;
    }

    /** Runs the launcher. Returns what it printed. */
    private String start(Path jdk, String... arguments) throws Exception {
        Process process = launcher(jdk, arguments).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    private List<String> runs() throws IOException {
        return Files.readAllLines(log);
    }

    private long trainings() throws IOException {
        return runs().stream().filter(run -> run.contains(TRAINING)).count();
    }

    private List<String> archives() throws IOException {
        try (Stream<Path> files = Files.list(target)) {
            return files.map(Path::toString)
                    .filter(name -> name.endsWith(".jsa"))
                    .toList();
        }
    }
}
