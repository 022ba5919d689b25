package io.kvscale.job.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AttentionNamesTest {
    @TempDir
    private Path folder;

    private CheckpointFolder model(int layers) {
        return new CheckpointFolder(folder)
                .text("config.json", "{\"text_config\": {\"num_hidden_layers\": " + layers + "}}");
    }

    private static String names(CheckpointFolder model) {
        AttentionNames names = AttentionNames.of(model.read());
        return names.pattern() + " " + names.layers().keySet();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "model.layers.{}.self_attn k_proj.weight",
                "model.decoder.layers.{}.self_attn k_proj.weight",
                "gpt_neox.layers.{}.attention query_key_value.weight",
                "model.language_model.layers.{}.self_attn k_proj.weight",
                "language_model.model.layers.{}.self_attn qkv_proj.weight",
                "transformer.h.{}.attn c_attn.weight",
                "h.{}.attn c_attn.weight",
                "transformer.blocks.{}.norm_attn_norm.attn Wqkv.weight",
                "transformer.encoder.layers.{}.self_attention query_key_value.weight",
                "backbone.layers.{}.mixer k_proj.weight",
                "model.layers.{}.self_attn kv_a_proj_with_mqa.weight",
                "model.layers.{}.self_attn k_proj.qweight",
                "model.layers.{}.self_attn k_proj.weight_packed"
            })
    void findsTheModulesOfEachFamily(String family) {
        String[] words = family.split(" ");
        CheckpointFolder model = model(2).weight("lm_head.weight");
        for (int layer = 0; layer < 2; layer++) {
            model.weight(words[0].replace("{}", String.valueOf(layer)) + "." + words[1]);
        }
        assertThat(names(model)).isEqualTo(words[0] + " [0, 1]");
    }

    @Test
    void theTowersOfOtherModalitiesAreNotTheDecoder() {
        assertThat(names(model(2).attention("vision_tower.vision_model.encoder.layers.%d.self_attn", 2)
                        .attention("audio_tower.layers.%d.self_attn", 2)
                        .attention("language_model.model.layers.%d.self_attn", 2)))
                .isEqualTo("language_model.model.layers.{}.self_attn [0, 1]");
    }

    @Test
    void anUnknownTowerIsToldByItsNumberOfLayers() {
        assertThat(names(model(3).attention("tower.layers.%d.self_attn", 2).attention("text.layers.%d.self_attn", 3)))
                .isEqualTo("text.layers.{}.self_attn [0, 1, 2]");
    }

    @Test
    void theDecoderIsPreferredToTheEncoder() {
        assertThat(names(model(2).attention("model.encoder.layers.%d.self_attn", 2)
                        .attention("model.decoder.layers.%d.self_attn", 2)
                        .attention("model.decoder.layers.%d.encoder_attn", 2)))
                .isEqualTo("model.decoder.layers.{}.self_attn [0, 1]");
    }

    @Test
    void aHybridNumbersSomeLayers() {
        CheckpointFolder model = model(8);
        for (int layer = 0; layer < 8; layer++) {
            if (layer % 4 == 3) {
                model.weight("backbone.layers." + layer + ".mixer.k_proj.weight");
            } else {
                model.weight("backbone.layers." + layer + ".mixer.A_log");
            }
        }
        assertThat(names(model)).isEqualTo("backbone.layers.{}.mixer [3, 7]");
    }

    @Test
    void linearAttentionHasNoKvCache() {
        CheckpointFolder model = model(2).attention(CheckpointFolder.LLAMA, 2).weight("model.layers.0.self_attn.A_log");
        assertThat(names(model)).isEqualTo("model.layers.{}.self_attn [1]");
    }

    @Test
    void layersThatPredictFurtherTokensAreNotTheDecoder() {
        assertThat(names(model(2).attention(CheckpointFolder.LLAMA, 3).attention("mtp.layers.%d.self_attn", 1)))
                .isEqualTo("model.layers.{}.self_attn [0, 1]");
    }

    @Test
    void severalCandidatesAreListed() {
        CheckpointFolder model = model(2).attention("a.layers.%d.self_attn", 2).attention("b.layers.%d.self_attn", 2);
        Checkpoint checkpoint = model.read();
        assertThatThrownBy(() -> AttentionNames.of(checkpoint))
                .hasMessageContaining("a.layers.{}.self_attn (2 layers), b.layers.{}.self_attn (2 layers)")
                .hasMessageContaining("--prefix a.layers.{}.self_attn");
        assertThat(AttentionNames.of(checkpoint, "b").of(1)).isEqualTo("b.layers.1.self_attn");
        assertThat(AttentionNames.of(checkpoint, "b.layers.{}.self_attn").layers())
                .containsOnlyKeys(0, 1);
        assertThatThrownBy(() -> AttentionNames.of(checkpoint, "c"))
                .hasMessageContaining("no attention weights below c.layers.{}.self_attn; it has a.layers.{}.self_attn")
                .hasMessageContaining("correct --prefix");
    }

    @Test
    void aCheckpointWithoutAttentionIsRefused() {
        Checkpoint checkpoint = model(2).weight("model.norm.weight").read();
        assertThatThrownBy(() -> AttentionNames.of(checkpoint))
                .hasMessageContaining("no attention weights of numbered layers");
    }
}
