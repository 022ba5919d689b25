package io.kvscale.quant;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.model.config.ModelConfig;
import io.kvscale.numeric.Dtype;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.evidence.ChannelData;
import io.kvscale.observer.evidence.ChannelData.Rope;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The warnings of a solution about captures that look like a mistake. */
class CaptureWarningsTest {
    private static final ModelConfig MODEL = ModelConfig.parse(
            "{\"model_type\": \"llama\", \"hidden_size\": 512, \"num_attention_heads\": 8, \"num_hidden_layers\": 4}"
                    .getBytes(StandardCharsets.UTF_8),
            "config.json");

    private static SortedMap<Slot, SlotStatistics> slots(Rope rope) {
        return new ChannelData(4, 8, 64, 1_000).slots(rope);
    }

    private static List<String> warnings(
            SortedMap<Slot, SlotStatistics> slots, boolean keysBeforeRope, @Nullable ModelConfig model) {
        Tolerances tolerances =
                new Tolerances(false, false, false, false, Tolerances.MAX_SATURATED, keysBeforeRope, model);
        return new ScaleSolver(SlotSchemes.of(QuantizationScheme.fp8()), layer -> true, tolerances)
                .solve(new CalibrationStatistics(Corpus.EMPTY, slots), null).warnings().stream()
                        .filter(warning -> !warning.startsWith("few tokens"))
                        .toList();
    }

    @Test
    void rotatedKeysAreExpected() {
        assertThat(warnings(slots(new Rope(64, false)), false, null)).isEmpty();
        assertThat(warnings(slots(new Rope(64, false)), false, MODEL)).isEmpty();
        assertThat(warnings(slots(new Rope(64, false)), true, null))
                .singleElement()
                .asString()
                .startsWith("K looks rotated by RoPE, but the recipe says keys: before_rope (median |ln ratio|")
                .endsWith("Remove that key if K was captured after RoPE");
    }

    @Test
    void keysBeforeRopeAreWarnedOfUnlessTheRecipeSaysSo() {
        assertThat(warnings(slots(Rope.NONE), false, null))
                .singleElement()
                .asString()
                .startsWith(
                        "K does not look rotated by RoPE, but engines cache K after RoPE (median |ln ratio| of paired"
                                + " channels: K 0.")
                .contains("say keys: before_rope. For a model without RoPE", "--model-config");
        assertThat(warnings(slots(Rope.NONE), false, MODEL))
                .singleElement()
                .asString()
                .endsWith("say keys: before_rope");
        assertThat(warnings(slots(Rope.NONE), true, null)).isEmpty();
    }

    @Test
    void swappedLayersAreNamed() {
        SortedMap<Slot, SlotStatistics> slots = slots(new Rope(64, false));
        ChannelData.swap(slots, 2);
        assertThat(warnings(slots, false, null))
                .singleElement()
                .asString()
                .startsWith("K and V look swapped in layer 2: there V looks rotated")
                .endsWith("Check the captures of these layers");
        for (int layer : new int[] {0, 1, 3}) {
            ChannelData.swap(slots, layer);
        }
        assertThat(warnings(slots, false, null))
                .singleElement()
                .asString()
                .startsWith("K and V look swapped: V looks rotated by RoPE and K does not (median")
                .contains("key.tensors");
    }

    @Test
    void repeatedHeadsAreCounted() {
        SortedMap<Slot, SlotStatistics> slots = new TreeMap<>();
        for (Role role : Role.CACHED) {
            slots.put(new Slot(0, role), ChannelData.statistics(new Geometry(Dtype.F32, 4, 2), 1, 2, 1, 2, 3, 4, 3, 4));
        }
        assertThat(warnings(slots, false, null))
                .singleElement()
                .asString()
                .startsWith("repeated heads: in all layers, every 2 neighboring heads of K and V are equal bit for bit")
                .contains("2 KV heads that were repeated to 4 query heads", "--model-config");
    }

    @Test
    void repeatedHeadsOfOneRoleAreNamed() {
        SortedMap<Slot, SlotStatistics> slots = new TreeMap<>();
        slots.put(new Slot(0, Role.KEY), ChannelData.statistics(new Geometry(Dtype.F32, 4, 2), 1, 2, 1, 2, 3, 4, 3, 4));
        slots.put(new Slot(0, Role.VALUE), ChannelData.statistics(new Geometry(Dtype.F32, 2, 2), 1, 2, 3, 4));
        assertThat(warnings(slots, false, null))
                .singleElement()
                .asString()
                .startsWith("repeated heads: in all layers, every 2 neighboring heads of K are equal bit for bit. They")
                .contains("2 KV heads that were repeated to 4 query heads");
    }

    @Test
    void equalSlotsAreNamed() {
        SortedMap<Slot, SlotStatistics> slots = slots(new Rope(64, false));
        SlotStatistics keys = slots.get(new Slot(1, Role.KEY));
        slots.put(new Slot(1, Role.VALUE), keys);
        slots.put(new Slot(3, Role.KEY), keys);
        assertThat(warnings(slots, false, MODEL))
                .satisfiesExactly(
                        both -> assertThat(both)
                                .startsWith("equal K and V: in layer 1 all channels of K and V have the same ranges"),
                        layers -> assertThat(layers)
                                .startsWith("equal layers: all channels of K have the same ranges in layers 1, 3"));
    }

    @Test
    void otherPairsThanTheConfigSaysAreAWarning() {
        assertThat(warnings(slots(new Rope(64, true)), false, MODEL))
                .singleElement()
                .asString()
                .startsWith("K looks rotated by RoPE in other pairs of channels than config.json says: the layouts of K"
                        + " differ (median |ln ratio| of paired channels: K 0.");
        assertThat(warnings(slots(new Rope(64, true)), false, null)).isEmpty();
    }
}
