package io.kvscale.job.bench;

import io.kvscale.input.TemporaryFolder;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;

/**
 * Wall time of the whole command {@code calibrate}, from the start of its JVM to its end, beside {@code cat} of the same
 * files: large captures of one size and of eight times that size, on one and on two cores.
 */
final class CommandTimes {
    private static final int LARGER = 8;
    private static final int ROUNDS = 3;

    /** Smaller sizes only try the command, in one round. */
    private static final long LEAST_BYTES = 1L << 26;

    private CommandTimes() {}

    /**
     * Times in seconds, medians, and the ratio of both, by name.
     *
     * @param main the class of the command
     * @param parent folder for the captures; what is larger than the page cache is read from its disk
     * @param bytes of the smaller corpus
     */
    static Map<String, Object> measure(Class<?> main, Path parent, long bytes) throws Exception {
        Map<String, Object> figures = new LinkedHashMap<>();
        for (long size : List.of(bytes, LARGER * bytes)) {
            try (GeneratedCaptures captures = GeneratedCaptures.write(parent, CaptureShape.LARGE.within(bytes), size);
                    TemporaryFolder output = TemporaryFolder.in(parent, "kvscale-bench-")) {
                String prefix = size == bytes ? "" : "x" + LARGER + "_";
                measure(main, captures.folder(), output.path(), prefix, bytes < LEAST_BYTES ? 1 : ROUNDS, figures);
            }
        }
        return figures;
    }

    private static void measure(
            Class<?> main, Path captures, Path output, String prefix, int rounds, Map<String, Object> figures)
            throws Exception {
        Path recipe = Files.writeString(output.resolve("fp8.yaml"), "kv_cache_scheme: {num_bits: 8, type: float}\n");
        List<String> files;
        try (Stream<Path> found = Files.list(captures)) {
            files = found.map(Path::toString).sorted().toList();
        }
        try (Threads threads = new Threads()) {
            for (int cores = 1; cores <= 2; cores++) {
                List<Callable<Object>> cats = new ArrayList<>();
                for (int part = 0; part < cores; part++) {
                    cats.add(cat(files.subList(part * files.size() / cores, (part + 1) * files.size() / cores)));
                }
                List<String> command = calibrate(main, captures, recipe, output.resolve("result"), cores);
                List<Double> cat = new ArrayList<>();
                List<Double> job = new ArrayList<>();
                for (int round = 0; round < rounds; round++) {
                    cat.add(seconds(() -> threads.together(cats)));
                    job.add(seconds(() -> run(command)));
                }
                String name = "_seconds_" + cores;
                figures.put(prefix + "cat" + name, Rounds.median(cat));
                figures.put(prefix + "command" + name, Rounds.median(job));
                figures.put(prefix + "command_ratio_" + cores, Rounds.median(cat) / Rounds.median(job));
            }
        }
    }

    private static Callable<Object> cat(List<String> files) {
        List<String> command = new ArrayList<>(List.of("cat", "--"));
        command.addAll(files);
        return () -> run(command);
    }

    /** This JVM's own options, with the number of processors that a machine of that size would have. */
    private static List<String> calibrate(Class<?> main, Path captures, Path recipe, Path output, int cores) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.add("-XX:ActiveProcessorCount=" + cores);
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.add(main.getName());
        command.addAll(List.of("calibrate", "--master", "local[" + cores + "]", "--overwrite"));
        command.addAll(List.of("--recipe", recipe.toString()));
        command.addAll(List.of("--input", captures.toString(), "--output", output.toString()));
        return command;
    }

    private static double seconds(Callable<?> call) throws Exception {
        long start = System.nanoTime();
        call.call();
        return (System.nanoTime() - start) / 1e9;
    }

    private static Object run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(new File("/dev/null"))
                .start();
        try {
            int code = process.waitFor();
            if (code != 0) {
                throw new IOException(command.get(0) + " ended with exit code " + code);
            }
            return code;
        } finally {
            process.destroyForcibly();
        }
    }
}
