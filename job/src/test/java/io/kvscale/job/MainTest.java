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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the command line says and returns, whatever the commands. */
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
    void wrongUsageIsExitCodeTwoAndAtMostThreeLines(String argument, String said) {
        int code = argument.isEmpty() ? run() : run(argument);
        assertThat(code).isEqualTo(ExitCode.USAGE);
        assertThat(out.size()).isZero();
        assertThat(err.toString(StandardCharsets.UTF_8).lines())
                .hasSizeBetween(1, 3)
                .anyMatch(line -> line.contains(said));
    }

    @Test
    void anUnexpectedFailureIsOneLineWithoutDebug() {
        StringWriter said = new StringWriter();
        int code = ErrorReporter.report(new IllegalStateException("first\nsecond"), new PrintWriter(said), false);
        assertThat(code).isEqualTo(ExitCode.UNEXPECTED);
        assertThat(said.toString().lines()).singleElement().asString().contains("first", "--debug");
    }

    @Test
    void debugShowsTheStackTrace() {
        StringWriter said = new StringWriter();
        ErrorReporter.report(new IllegalStateException("first"), new PrintWriter(said), true);
        assertThat(said.toString()).contains("at io.kvscale.job.MainTest");
    }

    @Test
    void badDataHasItsOwnCode() {
        StringWriter said = new StringWriter();
        InvalidDataException bad = new InvalidDataException(DataProblem.of("no values", "capture again"));
        assertThat(ErrorReporter.report(bad, new PrintWriter(said), false)).isEqualTo(ExitCode.DATA);
        assertThat(said.toString()).startsWith("kvscale: no values").contains("capture again");
    }
}
