package io.kvscale.job.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ApplicationNameTest {
    @Test
    void saysInputAndOutput() {
        assertThat(ApplicationName.of("calibrate", List.of("hdfs:///in", "b", "c"), "s3a://bucket/out"))
                .isEqualTo("kvscale calibrate hdfs:///in and 2 more to s3a://bucket/out");
        assertThat(ApplicationName.of("evaluate", List.of("model"), null)).isEqualTo("kvscale evaluate model");
    }

    @Test
    void isShortAndHasNoSecretsAndHiddenCharacters() {
        String name = ApplicationName.of(
                "calibrate",
                List.of("s3a://key:secret@bucket/" + "x".repeat(500) + "/2026-11-30"),
                "a\nb\u001b[2J\u202e");
        assertThat(name)
                .hasSizeLessThanOrEqualTo(160)
                .contains("/2026-11-30")
                .doesNotContain("secret", "\n", "\u001b", "\u202e");
        assertThat(ApplicationName.of("calibrate", List.of("s3a://key:secret@bucket/in"), null))
                .isEqualTo("kvscale calibrate s3a://bucket/in");
    }

    @Test
    void aNameOfTheUserStays() {
        assertThat(name(Map.of("spark.app.name", "mine"))).isEqualTo("mine");
        assertThat(name(Map.of("spark.app.name", "kvscale.jar"))).isEqualTo("kvscale calibrate in to out");
        assertThat(name(Map.of())).isEqualTo("kvscale calibrate in to out");
    }

    private static String name(Map<String, String> settings) {
        return SparkRuntime.of("local[1]", settings)
                .named("calibrate", List.of("in"), "out")
                .applicationName();
    }
}
