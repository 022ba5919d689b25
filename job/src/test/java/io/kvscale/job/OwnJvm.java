package io.kvscale.job;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs a command line in a JVM of its own, which tests can kill. */
final class OwnJvm {
    private OwnJvm() {}

    /** @param work the folder for {@code messages}, its output, and {@code tmp}, its temporary files */
    static Process start(Path work, List<?> args) throws IOException {
        List<String> words = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-XX:+IgnoreUnrecognizedVMOptions",
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData"));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(word -> word.startsWith("--"))
                .forEach(words::add);
        words.addAll(List.of(
                "-Djava.io.tmpdir=" + work.resolve("tmp"),
                "-Dlog4j2.configurationFile=" + Folder.HOME.resolve("conf/log4j2.properties"),
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        args.forEach(word -> words.add(word.toString()));
        return new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(work.resolve("messages").toFile())
                .start();
    }
}
