package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Exit code and output of a command line that ran in this JVM. */
public record Cli(int code, String out, String err) {
    /** Runs on the shared Spark context, or on a new one if the command line configures Spark. */
    public static Cli run(Object... args) {
        String[] words = Arrays.stream(args).map(String::valueOf).toArray(String[]::new);
        List<String> all = List.of(words);
        if (all.contains("--master") || all.contains("--conf")) {
            SharedSpark.stop();
        } else if (all.contains("calibrate") || all.contains("evaluate")) {
            SharedSpark.context();
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = Main.run(stream(out), stream(err), words);
        return new Cli(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private static PrintStream stream(ByteArrayOutputStream bytes) {
        return new PrintStream(bytes, true, StandardCharsets.UTF_8);
    }

    public Cli isDone() {
        assertThat(code).as(err + out).isEqualTo(ExitCode.DONE);
        return this;
    }

    /** Checks the exit code, that the error has one to three lines, and that it contains these parts. */
    public Cli fails(int expected, String... parts) {
        assertThat(code).as(err + out).isEqualTo(expected);
        List<String> error = err.lines()
                .filter(line -> !line.startsWith("kvscale: warning: "))
                .toList();
        assertThat(error).as(err).hasSizeBetween(1, 3);
        assertThat(error.get(0)).startsWith("kvscale: ");
        assertThat(err).doesNotContain("\tat ").doesNotContain("InvalidDataException");
        String message = String.join("\n", error);
        assertThat(parts).allSatisfy(part -> assertThat(message).contains(part));
        assertThat(out).isEmpty();
        return this;
    }
}
