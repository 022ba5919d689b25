package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The scales of the shipped sample equal those of an independent computation bit for bit. */
class SampleScalesTest {
    private static final Path EXPECTED = Path.of("src/test/resources/golden/sample/expected.json");

    @TempDir
    private Path work;

    @Test
    void everySchemeStrategyAndScaleDtypeHasTheExpectedBits() {
        Path output = work.resolve("out");
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", Folder.SAMPLE, "--output", output, "--quiet")
                .isDone();
        Expected expected = new Expected(EXPECTED, work, output.resolve("statistics.kvstats"));
        List<Expected.Scheme> schemes = expected.schemes();
        assertThat(schemes).hasSize(5 * 4 * 2);
        schemes.forEach(scheme -> assertThat(expected.check(scheme)).isGreaterThan(400));
    }
}
