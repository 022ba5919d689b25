package io.kvscale.job.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.Capture;
import io.kvscale.job.Cli;
import io.kvscale.job.Folder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code inspect} shows how alike the channels of a RoPE pair are. */
class InspectRotationTest {
    @TempDir
    private Path work;

    @Test
    void eachSlotHasTheScoresOfBothPairings() {
        Path out = work.resolve("out");
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", Folder.SAMPLE, "--output", out)
                .isDone();
        Path statistics = out.resolve("statistics.kvstats");
        JsonNode slots = Folder.json(
                        Cli.run("inspect", "--json", statistics).isDone().out())
                .get(0)
                .get("slots");
        double keys = 0;
        double values = 0;
        for (JsonNode slot : slots) {
            double ratio = slot.get("rotation").get("halves").asDouble()
                    / slot.get("rotation").get("neighbors").asDouble();
            keys += slot.get("role").asText().equals("key") ? ratio : 0;
            values += slot.get("role").asText().equals("key") ? 0 : ratio;
        }
        // K is after RoPE.
        assertThat(keys).isLessThan(0.6 * values);
        String first =
                "%.3f".formatted(slots.get(0).get("rotation").get("halves").asDouble());
        assertThat(Cli.run("inspect", statistics).isDone().out().lines().filter(line -> line.contains("key")))
                .first()
                .asString()
                .contains(first);
        assertThat(Cli.run("inspect", statistics).out()).contains("halves", "neighbors");
    }

    @Test
    void zerosHaveNoScores() {
        Path file = work.resolve("zero.safetensors");
        new Capture()
                .add("layers.0.keys", "F32", List.of(1L, 1L, 2L, 8L), e -> 0)
                .add("layers.0.values", "F32", List.of(1L, 1L, 2L, 8L), e -> e)
                .write(file);
        JsonNode slots = Folder.json(Cli.run("inspect", "--json", file).isDone().out())
                .get(0)
                .get("slots");
        assertThat(slots.get(0).get("rotation").isNull()).isTrue();
        assertThat(Cli.run("inspect", file).isDone().out()).contains(" -");
    }
}
