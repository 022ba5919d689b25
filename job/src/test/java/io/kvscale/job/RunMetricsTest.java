package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Set;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The figures of a run through Spark's metrics system, as its JMX sink shows them. */
class RunMetricsTest {
    @TempDir
    private Path work;

    private static double figure(String name) throws JMException {
        MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
        String id = SharedSpark.context().sc().applicationId();
        Set<ObjectName> found =
                beans.queryNames(new ObjectName("metrics:name=" + id + ".driver.kvscale." + name + ",*"), null);
        assertThat(found).as(name).hasSize(1);
        return ((Number) beans.getAttribute(found.iterator().next(), "Value")).doubleValue();
    }

    @Test
    void captures() throws JMException {
        for (int i = 0; i < 3; i++) {
            Capture.of(2, 20 + i, i).write(work.resolve("in/sample-" + i + ".safetensors"));
        }
        // A percentile of 90 clips a tenth of the values.
        Path recipe = Folder.recipe(
                work,
                "num_bits: 8, type: float, strategy: tensor, observer: percentile, observer_kwargs: {percentile: 90}",
                "kvscale: {max_saturated: 20}");
        Cli.run("calibrate", "--recipe", recipe, "--input", work.resolve("in"), "--output", work.resolve("out"))
                .isDone();
        assertThat(figure("files")).isEqualTo(3);
        assertThat(figure("bytes"))
                .isEqualTo(figure("bytes_total") > 0 ? figure("bytes") : 1)
                .isPositive();
        assertThat(figure("tokens"))
                .isEqualTo(Folder.json(work.resolve("out/kv_scales.json"))
                        .at("/corpus/tokens")
                        .asInt());
        assertThat(figure("failed_tasks")).isZero();
        assertThat(figure("saturated_share")).isCloseTo(0.1, within(0.05));
        assertThat(figure("read_limit_ratio"))
                .isBetween(1e-6, 1.0)
                .isEqualTo(Folder.json(work.resolve("out/run.json"))
                        .get("read_limit_ratio")
                        .asDouble());
    }

    @Test
    void textsAndTheRunBefore() throws JMException {
        Path model = Folder.HOME.resolve("conf/tiny-model");
        Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.HOME.resolve("conf/recipes/fp8_text.yaml"),
                        "--model",
                        model,
                        "--text",
                        model.resolve("texts.jsonl"),
                        "--output",
                        work.resolve("out"))
                .isDone();
        assertThat(figure("tokens")).isPositive().isEqualTo(figure("tokens_total"));
        assertThat(figure("samples")).isPositive();
        assertThat(figure("bytes")).isZero();
        assertThat(figure("read_limit_ratio")).isNaN();
        assertThat(Folder.json(work.resolve("out/run.json")).get("model_sha256").asText())
                .hasSize(64);
    }
}
