package io.kvscale.job;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * JVMs of a cluster with the shipped jar, Spark and {@link SlowFileSystem}, which tests can kill: drivers with executors,
 * masters and workers. Each writes its output to a file.
 */
final class OwnCluster implements AutoCloseable {
    private final Path work;
    private final Path extra;
    private final List<Process> started = new ArrayList<>();

    OwnCluster(Path work) throws IOException {
        this.work = work;
        this.extra = work.resolve("extra");
        makeSparkHome();
        // The only test class that executors need.
        add(SlowFileSystem.class);
        Folder.write(
                extra.resolve("META-INF/services/org.apache.hadoop.fs.FileSystem"),
                SlowFileSystem.class.getName() + "\n");
    }

    /** Creates the folder with {@code jars/} that Spark's launcher needs. */
    private void makeSparkHome() throws IOException {
        Path jars = Files.createDirectories(work.resolve("spark/jars"));
        for (String jar : Folder.text(Path.of("target/spark.classpath")).strip().split(File.pathSeparator)) {
            Files.createSymbolicLink(jars.resolve(Path.of(jar).getFileName()), Path.of(jar));
        }
    }

    /** Puts a class of the tests on the class path of all JVMs. */
    void add(Class<?> type) throws IOException {
        Capture.put(
                extra.resolve(type.getName().replace('.', '/') + ".class"),
                type.getResourceAsStream(type.getSimpleName() + ".class").readAllBytes());
    }

    /** Settings of each driver. */
    List<String> settings() {
        return new ArrayList<>(List.of(
                "spark.executor.memory=768m",
                "spark.driver.host=127.0.0.1",
                "spark.driver.bindAddress=127.0.0.1",
                "spark.executor.extraClassPath=" + extra,
                "spark.serializer=org.apache.spark.serializer.KryoSerializer"));
    }

    /** Starts a JVM with kvscale's jar. */
    Process java(String name, List<String> main) throws IOException {
        return java(name, Path.of("target/kvscale.jar"), main);
    }

    /** Starts a JVM that writes to {@code NAME.log}. */
    Process java(String name, Path jar, List<String> main) throws IOException {
        List<String> words = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "@" + Path.of("target/jvm.flags").toAbsolutePath(),
                "-Xmx1g",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dlog4j2.configurationFile=" + Folder.HOME.resolve("conf/log4j2.properties"),
                "-cp",
                String.join(
                        File.pathSeparator,
                        jar.toAbsolutePath().toString(),
                        extra.toString(),
                        work.resolve("spark/jars") + "/*")));
        words.addAll(main);
        ProcessBuilder builder = new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(work.resolve(name + ".log").toFile());
        // Each worker has its own address.
        builder.environment().remove("SPARK_LOCAL_IP");
        builder.environment()
                .putAll(Map.of(
                        "SPARK_HOME",
                        work.resolve("spark").toString(),
                        "SPARK_SCALA_VERSION",
                        "2.13",
                        "SPARK_LOCAL_DIRS",
                        work.resolve("scratch").toString()));
        Process process = builder.start();
        started.add(process);
        return process;
    }

    /** The executors of all drivers and workers. */
    List<ProcessHandle> executors() {
        return started.stream().flatMap(Process::descendants).toList();
    }

    /** Kills all JVMs. */
    @Override
    public void close() {
        for (Process process : started) {
            List<ProcessHandle> executors = process.descendants().toList();
            process.destroyForcibly();
            executors.forEach(ProcessHandle::destroyForcibly);
        }
    }
}
