package io.kvscale.job.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.Folder;
import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VllmExporterTest {
    private static final ScaleTable TABLE = TargetTables.of(TargetTables.FP8, 2);
    private final VllmExporter vllm = new VllmExporter();

    @Test
    void writesTheOverlayOfCompressedTensors() {
        SortedMap<String, byte[]> files = vllm.export(TABLE, AttentionNames.named("gpt_neox.layers.{}.attention"));
        assertThat(files.keySet()).isEqualTo(new java.util.TreeSet<>(vllm.files()));
        assertThat(TargetTables.tensors(files.get("model-kvscales.safetensors")))
                .containsExactly(
                        "gpt_neox.layers.0.attention.k_scale[1]=[0.015625]",
                        "gpt_neox.layers.0.attention.v_scale[1]=[0.03125]",
                        "gpt_neox.layers.1.attention.k_scale[1]=[0.046875]",
                        "gpt_neox.layers.1.attention.v_scale[1]=[0.0625]");
        assertThat(Folder.json(new String(files.get("config.json"), StandardCharsets.UTF_8))
                        .at("/quantization_config/kv_cache_scheme/strategy")
                        .asText())
                .isEqualTo("tensor");
    }

    /** vLLM's last rule, {@code (?<!\.attn)\.([qkv])_scale$}, leaves such names as they are. */
    @Test
    void aModuleCalledAttnIsNamedTwice() {
        ScaleTable table = TargetTables.of(
                slot -> TargetTables.FP8,
                List.of(new Slot(0, Role.KEY), new Slot(0, Role.VALUE), new Slot(0, Role.QUERY)));
        AttentionNames names = AttentionNames.named("transformer.h.{}.attn");
        for (ModelQuantization model : List.of(
                ModelQuantization.NONE,
                TargetTables.model("{\"quant_method\": \"modelopt\", \"quant_algo\": \"FP8\"}"))) {
            assertThat(vllm.overlay(table, names, model).tensors())
                    .extracting(ScaleTensor::name)
                    .containsExactly(
                            "transformer.h.0.attn.attn.k_scale",
                            "transformer.h.0.attn.attn.v_scale",
                            "transformer.h.0.attn.attn.q_scale");
        }
        assertThat(TargetTables.tensors(vllm.export(TABLE, names).get("model-kvscales.safetensors")))
                .first()
                .isEqualTo("transformer.h.0.attn.attn.k_scale[1]=[0.015625]");
        assertThat(new SglangExporter()
                        .overlay(TABLE, names, ModelQuantization.NONE)
                        .tensors())
                .extracting(ScaleTensor::name)
                .first()
                .isEqualTo("transformer.h.0.attn.k_scale");
    }

    @Test
    void headsKeepTheirShapeAndNeedFlashAttention() {
        ScaleTable heads = TargetTables.of(TargetTables.FP8_HEADS, 1);
        assertThat(vllm.refusal(heads)).isNull();
        assertThat(TargetTables.tensors(vllm.export(heads, AttentionNames.PLAIN).get("model-kvscales.safetensors")))
                .first()
                .isEqualTo("model.layers.0.self_attn.k_scale[2, 1, 1]=[0.015625, 1.015625]");
        assertThat(vllm.notes(heads)).first().asString().contains("vLLM 0.17", "FlashAttention 3");
        assertThat(vllm.notes(TABLE)).noneMatch(note -> note.contains("FlashAttention"));
    }

    @Test
    void refusesWhatVllmWouldReadAsFp8() {
        for (QuantizationScheme scheme : List.of(
                TargetTables.INT8,
                QuantizationScheme.of(NumberFormat.FP8_E5M2, Strategy.TENSOR),
                QuantizationScheme.of(NumberFormat.FP8_E4M3, Strategy.CHANNEL),
                TargetTables.NVFP4)) {
            assertThat(vllm.refusal(TargetTables.of(scheme, 1)))
                    .contains("layer 0 key is " + scheme.format(), "only symmetric fp8");
        }
    }

    @Test
    void refusesDifferentSchemesAndLatentAttention() {
        assertThat(vllm.refusal(TargetTables.of(
                        slot -> slot.role() == Role.KEY ? TargetTables.FP8 : TargetTables.FP8_HEADS,
                        TargetTables.slots(1))))
                .contains("schemes differ");
        assertThat(vllm.refusal(TargetTables.of(slot -> TargetTables.FP8, List.of(new Slot(3, Role.KEY)))))
                .contains("layer 3 has no value scales", "multi-head latent attention", "1.0");
    }

    @Test
    void onlyTheSchemeIsSetInAModelOfCompressedTensors() {
        ModelQuantization model = TargetTables.model(
                "{\"quant_method\": \"Compressed_Tensors\", \"config_groups\": {}, \"kv_cache_scheme\": null}");
        assertThat(vllm.refusal(TABLE, model)).isNull();
        ModelOverlay overlay = vllm.overlay(TABLE, AttentionNames.PLAIN, model);
        assertThat(overlay.quantConfig()).isEmpty();
        assertThat(overlay.config()).hasSize(1);
        assertThat(overlay.config().get(0).object()).containsExactly("quantization_config");
        assertThat(overlay.config().get(0).entries()).containsOnlyKeys("kv_cache_scheme");
        assertThat(overlay.tensors())
                .extracting(ScaleTensor::name)
                .first()
                .isEqualTo("model.layers.0.self_attn.k_scale");
        assertThat(vllm.refusal(
                        TABLE,
                        TargetTables.model("{\"quant_method\": \"compressed-tensors\", \"kv_cache_scheme\": {}}")))
                .contains("kv_cache_scheme is set", "without them");
        assertThat(vllm.refusal(
                        TargetTables.of(TargetTables.FP8_HEADS, 1),
                        TargetTables.model("{\"quant_method\": \"compressed-tensors\"}")))
                .contains("no config_groups");
    }

    @Test
    void bothConfigsOfModelOptAreSet() {
        ModelQuantization model = TargetTables.model(
                "{\"quant_method\": \"modelopt\", \"quant_algo\": \"FP8\"}",
                "{\"quantization\": {\"quant_algo\": \"FP8\", \"kv_cache_quant_algo\": null}}");
        assertThat(vllm.refusal(TABLE, model)).isNull();
        assertThat(vllm.notes(TABLE, model)).singleElement().asString().contains("rounds", "bfloat16");
        ModelOverlay overlay = vllm.overlay(TABLE, AttentionNames.PLAIN, model);
        assertThat(TargetTables.edits(overlay.config()))
                .hasToString("{quantization_config={kv_cache_scheme={dynamic=false, num_bits=8, type=float}}}");
        assertThat(TargetTables.edits(overlay.quantConfig()))
                .isEqualTo(Map.of("quantization", Map.of("kv_cache_quant_algo", "FP8")));
        assertThat(TargetTables.tensors(ScaleTensor.file(overlay.tensors())))
                .first()
                .isEqualTo("model.layers.0.self_attn.k_proj.k_scale[]=[0.015625]");
        // vLLM maps ModelOpt's names only below self_attn and mixer.
        assertThat(vllm.overlay(TABLE, AttentionNames.named("gpt_neox.layers.{}.attention"), model)
                        .tensors())
                .extracting(ScaleTensor::name)
                .first()
                .isEqualTo("gpt_neox.layers.0.attention.k_scale");
    }

    @Test
    void nvfp4GoesIntoAModelOfModelOptOnly() {
        ScaleTable nvfp4 = TargetTables.of(TargetTables.NVFP4, 1);
        ModelQuantization nested = TargetTables.model("{\"quantization\": {\"quant_algo\": \"NVFP4\"}}");
        assertThat(vllm.refusal(nvfp4, nested)).isNull();
        ModelOverlay overlay = vllm.overlay(nvfp4, AttentionNames.PLAIN, nested);
        assertThat(TargetTables.edits(overlay.config()))
                .isEqualTo(Map.of("quantization_config/quantization", Map.of("kv_cache_quant_algo", "NVFP4")));
        assertThat(vllm.start("M", nvfp4.scheme(), List.of())).isEqualTo("vllm serve M --kv-cache-dtype nvfp4");
        assertThat(vllm.refusal(nvfp4, TargetTables.model("{\"quant_method\": \"fp8\"}")))
                .contains("layer 0 key is FP4_E2M1");
    }

    @Test
    void modelOptNeedsQuantizedWeightsAndNoKvScales() {
        assertThat(vllm.refusal(TABLE, TargetTables.model("{\"quant_method\": \"modelopt\"}")))
                .contains("no quant_algo");
        assertThat(vllm.refusal(
                        TABLE,
                        TargetTables.model(
                                "{\"quant_method\": \"modelopt\", \"quant_algo\": \"FP8\"}",
                                "{\"quantization\": {\"kv_cache_quant_algo\": \"FP8\"}}")))
                .contains("kv_cache_quant_algo is set");
        assertThat(vllm.refusal(
                        TargetTables.of(TargetTables.FP8_HEADS, 1),
                        TargetTables.model("{\"quant_method\": \"modelopt\", \"quant_algo\": \"FP8\"}")))
                .contains("strategy tensor");
    }

    @Test
    void aModelOfFp8GetsOnlyTensors() {
        ModelOverlay overlay =
                vllm.overlay(TABLE, AttentionNames.PLAIN, TargetTables.model("{\"quant_method\": \"fp8\"}"));
        assertThat(overlay.config()).isEmpty();
        assertThat(overlay.quantConfig()).isEmpty();
        assertThat(overlay.tensors()).hasSize(4);
    }

    @Test
    void outputsOfProjectionsAreSetInAModelOfQuark() {
        ModelQuantization model =
                TargetTables.model("{\"quant_method\": \"quark\", \"export\": {\"kv_cache_group\": []},"
                        + " \"global_quant_config\": {\"weight\": {\"dtype\": \"fp8_e4m3\"}, \"output_tensors\": null},"
                        + " \"layer_quant_config\": {\"lm_head\": {}}}");
        assertThat(vllm.refusal(TABLE, model)).isNull();
        ModelOverlay overlay = vllm.overlay(TABLE, AttentionNames.PLAIN, model);
        Map<String, Object> edits = new TreeMap<>(TargetTables.edits(overlay.config()));
        assertThat(edits.get("quantization_config/export")).hasToString("{kv_cache_group=[*k_proj, *v_proj]}");
        assertThat(edits.get("quantization_config/layer_quant_config").toString())
                .startsWith("{*k_proj={\"weight\":{\"dtype\":\"fp8_e4m3\"},\"output_tensors\":{\"dtype\":\"fp8_e4m3\"")
                .contains("\"is_dynamic\":false,\"qscheme\":\"per_tensor\"", "*v_proj={");
        assertThat(model.config()
                        .path("global_quant_config")
                        .path("output_tensors")
                        .isNull())
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"*", "model.layers.0.self_attn.k_proj", "*self_attn*", "*_proj", "*[kv]_proj", "?_proj"})
    void aQuarkSchemeThatMayHideTheOneOfTheCacheIsRefused(String pattern) {
        assertThat(vllm.refusal(
                        TABLE,
                        TargetTables.model("{\"quant_method\": \"quark\", \"export\": {}, \"global_quant_config\": {},"
                                + " \"layer_quant_config\": {\"" + pattern + "\": {}}}")))
                .contains("layer_quant_config", pattern);
    }

    @Test
    void aModelOfQuarkWithoutItsConfigsOrWithScalesIsRefused() {
        assertThat(vllm.refusal(TABLE, TargetTables.model("{\"quant_method\": \"quark\"}")))
                .contains("no export");
        assertThat(vllm.refusal(
                        TABLE,
                        TargetTables.model(
                                "{\"quant_method\": \"quark\", \"export\": {\"kv_cache_group\": [\"*kv\"]}}")))
                .contains("kv_cache_group is set");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "awq",
                "gptq",
                "mxfp4",
                "gguf",
                "bitsandbytes",
                "torchao",
                "inc",
                "auto-round",
                "humming",
                "new",
                ""
            })
    void methodsWhoseLoadersDropScalesAreRefused(String method) {
        assertThat(vllm.refusal(TABLE, TargetTables.model("{\"quant_method\": \"" + method + "\"}")))
                .contains("quant_method is " + (method.isEmpty() ? "" : method), "without a word", "take a checkpoint");
        assertThat(new SglangExporter().refusal(TABLE, TargetTables.model("{\"quant_method\": \"" + method + "\"}")))
                .contains("SGLang ignores KV scales");
    }

    @Test
    void theCommandLineSkipsLayersWithoutScales() {
        assertThat(vllm.start("M", TABLE.scheme(), List.of(0, 3)))
                .isEqualTo("vllm serve M --kv-cache-dtype fp8 --kv-cache-dtype-skip-layers 0 3");
    }

    @Test
    void queriesHaveAPlaceInEveryModel() {
        ScaleTable table = TargetTables.of(
                slot -> TargetTables.FP8,
                List.of(new Slot(0, Role.KEY), new Slot(0, Role.VALUE), new Slot(0, Role.QUERY)));
        assertThat(vllm.readable(table)).isSameAs(table);
        assertThat(vllm.refusal(table)).isNull();
        for (ModelQuantization model : List.of(
                ModelQuantization.NONE,
                TargetTables.model("{\"quant_method\": \"modelopt\", \"quant_algo\": \"FP8\"}"))) {
            assertThat(vllm.overlay(table, AttentionNames.PLAIN, model).tensors())
                    .extracting(ScaleTensor::name)
                    .contains("model.layers.0.self_attn.q_scale");
        }
        assertThat(new SglangExporter().readable(table).slots()).hasSize(2);
    }
}
