package io.kvscale.observer.evidence;

import static io.kvscale.observer.evidence.RotationEvidence.Verdict.NOT_ROTATED;
import static io.kvscale.observer.evidence.RotationEvidence.Verdict.OTHER_PAIRING;
import static io.kvscale.observer.evidence.RotationEvidence.Verdict.ROTATED;
import static io.kvscale.observer.evidence.RotationEvidence.Verdict.SWAPPED;
import static io.kvscale.observer.evidence.RotationEvidence.Verdict.SWAPPED_IN_PART;
import static io.kvscale.observer.evidence.RotationEvidence.Verdict.UNKNOWN;
import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.model.config.ModelConfig;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.evidence.ChannelData.Rope;
import io.kvscale.observer.evidence.RotationEvidence.Verdict;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RotationEvidenceTest {
    private static final int LAYERS = 6;
    private static final Rope HALVES = new Rope(64, false);

    private static ChannelData data(int tokens) {
        return new ChannelData(LAYERS, 8, 64, tokens);
    }

    private static ModelConfig model(String type, String more) {
        String json = "{\"model_type\": \"" + type + "\", \"hidden_size\": 512, \"num_attention_heads\": 8,"
                + " \"num_hidden_layers\": " + LAYERS + ", \"rope_theta\": 10000.0" + more + "}";
        return ModelConfig.parse(json.getBytes(StandardCharsets.UTF_8), "config.json");
    }

    private static Verdict verdict(SortedMap<Slot, SlotStatistics> slots, @Nullable ModelConfig model) {
        return RotationEvidence.of(slots, model).verdict();
    }

    /** Also RoPE of a part of the channels, without the model's config.json. */
    @ParameterizedTest
    @CsvSource({"64,false", "64,true", "48,false", "32,false", "32,true"})
    void rotatedKeysAreRecognized(int channels, boolean neighbors) {
        SortedMap<Slot, SlotStatistics> slots = data(300).slots(new Rope(channels, neighbors));
        assertThat(verdict(slots, null)).isEqualTo(ROTATED);
        for (int layer = 0; layer < LAYERS; layer++) {
            ChannelData.swap(slots, layer);
        }
        assertThat(verdict(slots, null)).isEqualTo(SWAPPED);
    }

    @Test
    void rotationOfTooFewChannelsIsNoMistake() {
        assertThat(verdict(data(300).slots(new Rope(16, true)), null)).isIn(UNKNOWN, ROTATED);
        assertThat(verdict(data(300).slots(new Rope(16, false)), null)).isIn(UNKNOWN, ROTATED);
    }

    @Test
    void theConfigSaysWhichChannelsArePairs() {
        SortedMap<Slot, SlotStatistics> slots = data(300).slots(HALVES);
        assertThat(verdict(slots, model("llama", ""))).isEqualTo(ROTATED);
        SortedMap<Slot, SlotStatistics> part = data(300).slots(new Rope(32, false));
        assertThat(verdict(part, model("llama", ", \"partial_rotary_factor\": 0.5")))
                .isEqualTo(ROTATED);
    }

    @Test
    void rotationOfOtherPairsThanTheConfigSaysIsNoticed() {
        SortedMap<Slot, SlotStatistics> halves = data(300).slots(HALVES);
        SortedMap<Slot, SlotStatistics> neighbors = data(300).slots(new Rope(64, true));
        assertThat(verdict(neighbors, model("llama", ""))).isEqualTo(OTHER_PAIRING);
        assertThat(verdict(halves, model("cohere", ""))).isEqualTo(OTHER_PAIRING);
        assertThat(verdict(neighbors, model("cohere", ""))).isEqualTo(ROTATED);
        assertThat(verdict(data(300).slots(Rope.NONE), model("cohere", ""))).isEqualTo(NOT_ROTATED);
    }

    /** V differs nearly as much as K, so only the pairs of the config tell. */
    @Test
    void keysBeforeRopeAreRecognizedByTheConfigsPairs() {
        ChannelData data = new ChannelData(LAYERS, 8, 128, 300);
        SortedMap<Slot, SlotStatistics> slots = data.slots(Rope.NONE, 0.35, 0.27);
        assertThat(verdict(slots, null)).isEqualTo(UNKNOWN);
        assertThat(verdict(slots, model("llama", ", \"head_dim\": 128"))).isEqualTo(NOT_ROTATED);
        for (int seed = 0; seed < 5; seed++) {
            assertThat(verdict(data.alike(), model("llama", ", \"head_dim\": 128")))
                    .isEqualTo(UNKNOWN);
        }
    }

    @Test
    void aModelWithoutRopeHasNoVerdict() {
        SortedMap<Slot, SlotStatistics> slots = data(300).slots(Rope.NONE);
        assertThat(verdict(slots, null)).isEqualTo(NOT_ROTATED);
        assertThat(verdict(slots, model("llama", ""))).isEqualTo(NOT_ROTATED);
        assertThat(verdict(slots, model("bloom", ""))).isEqualTo(UNKNOWN);
        assertThat(verdict(slots, model("smollm3", ", \"no_rope_layers\": [0, 0, 0, 0, 0, 0]")))
                .isEqualTo(UNKNOWN);
    }

    @Test
    void layersWithSwappedKeysAndValuesAreNamed() {
        SortedMap<Slot, SlotStatistics> slots = data(300).slots(HALVES);
        ChannelData.swap(slots, 1);
        ChannelData.swap(slots, 4);
        RotationEvidence evidence = RotationEvidence.of(slots, null);
        assertThat(evidence.verdict()).isEqualTo(SWAPPED_IN_PART);
        assertThat(evidence.swapped()).containsExactly(1, 4);
        assertThat(evidence.value().halves()).isLessThan(0.75 * evidence.key().halves());
        assertThat(RotationEvidence.of(data(300).slots(HALVES), null).swapped()).isEqualTo(List.of());
    }

    @Test
    void fewTokensGiveNoVerdict() {
        int few = (int) RotationEvidence.MIN_TOKENS - 1;
        assertThat(verdict(data(few).slots(Rope.NONE), null)).isEqualTo(UNKNOWN);
        assertThat(verdict(data(few).slots(HALVES), null)).isEqualTo(UNKNOWN);
        assertThat(verdict(data(few + 1).slots(HALVES), null)).isEqualTo(ROTATED);
    }

    /** Random values of one distribution in all channels: the same before and after RoPE. */
    @ParameterizedTest
    @CsvSource({
        "1,1,16,200",
        "2,2,16,20000",
        "8,1,16,1000",
        "32,1,32,500",
        "4,8,32,100",
        "3,4,64,2000",
        "24,2,64,300",
        "30,3,64,1000",
        "12,1,96,500",
        "2,8,128,1000",
        "4,8,128,300",
        "18,1,256,300",
        "1,8,256,5000"
    })
    void randomValuesGiveNoVerdict(int layers, int heads, int headDim, int tokens) {
        SortedMap<Slot, SlotStatistics> slots = new ChannelData(layers, heads, headDim, tokens).alike();
        assertThat(verdict(slots, null)).isEqualTo(UNKNOWN);
    }

    @Test
    void noLayersGiveNoVerdict() {
        assertThat(verdict(java.util.Collections.emptySortedMap(), null)).isEqualTo(UNKNOWN);
    }
}
