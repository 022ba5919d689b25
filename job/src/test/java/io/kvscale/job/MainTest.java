package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Messages and exit codes common to all commands. */
class MainTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int run(String... args) {
        return Main.run(stream(out), stream(err), args);
    }

    private static PrintStream stream(ByteArrayOutputStream bytes) {
        return new PrintStream(bytes, true, StandardCharsets.UTF_8);
    }

    @Test
    void versionIsOneLine() {
        assertThat(run("--version")).isEqualTo(ExitCode.DONE);
        assertThat(out.toString(StandardCharsets.UTF_8))
                .matches("kvscale \\d+\\.\\d+\\.\\d+ \\(Spark 4\\.\\S+, Java \\S+\\)\\R");
        assertThat(err.size()).isZero();
    }

    @Test
    void helpGoesToStandardOutput() {
        assertThat(run("--help")).isEqualTo(ExitCode.DONE);
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("Usage: kvscale", "--version", "--debug");
        assertThat(err.size()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"--versio, --version", "calibrat, calibrat", "'', no command is given"})
    void wrongUsageIsExitCodeTwoAndAtMostThreeLines(String argument, String message) {
        int code = argument.isEmpty() ? run() : run(argument);
        assertThat(code).isEqualTo(ExitCode.USAGE);
        assertThat(out.size()).isZero();
        assertThat(err.toString(StandardCharsets.UTF_8).lines())
                .hasSizeBetween(1, 3)
                .anyMatch(line -> line.contains(message));
    }

    @Test
    void anUnexpectedFailureIsOneLineWithoutDebug() {
        StringWriter errors = new StringWriter();
        List<String> logged = new ArrayList<>();
        int code = ErrorReporter.report(
                new IllegalStateException("first\nsecond"),
                new PrintWriter(errors),
                false,
                Map.of(),
                (exitCode, message) -> logged.add(exitCode + " " + message));
        assertThat(logged)
                .singleElement()
                .asString()
                .startsWith("1 unexpected failure: ")
                .contains("first");
        assertThat(code).isEqualTo(ExitCode.UNEXPECTED);
        assertThat(errors.toString().lines()).singleElement().asString().contains("first", "--debug");
    }

    @Test
    void debugShowsTheStackTrace() {
        StringWriter errors = new StringWriter();
        ErrorReporter.report(
                new IllegalStateException("first"), new PrintWriter(errors), true, Map.of(), (code, message) -> {});
        assertThat(errors.toString()).contains("at io.kvscale.job.MainTest");
    }

    @Test
    void invalidDataHasItsOwnExitCode() {
        StringWriter errors = new StringWriter();
        InvalidDataException bad = new InvalidDataException(DataProblem.of("no values", "capture again"));
        assertThat(ErrorReporter.report(bad, new PrintWriter(errors), false, Map.of(), (code, message) -> {}))
                .isEqualTo(ExitCode.DATA);
        assertThat(errors.toString()).startsWith("kvscale: no values").contains("capture again");
    }
}
