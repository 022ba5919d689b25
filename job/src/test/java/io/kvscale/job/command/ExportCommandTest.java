package io.kvscale.job.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.Capture;
import io.kvscale.job.Cli;
import io.kvscale.job.Folder;
import io.kvscale.job.target.ScaleExporter;
import io.kvscale.job.target.TargetTables;
import io.kvscale.job.target.Targets;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code export} without a model. */
class ExportCommandTest {
    @TempDir
    private Path work;

    private Path scales(ScaleTable table) {
        return Capture.put(work.resolve("r/kv_scales.json"), table.toJson()).getParent();
    }

    private Cli export(Path scales, String target, String... more) {
        return Cli.run(words(scales, target, more));
    }

    private Object[] words(Path scales, String target, String... more) {
        List<Object> words = new java.util.ArrayList<>(
                List.of("export", "--scales", scales, "--for", target, "--output", work.resolve("out")));
        words.addAll(List.of(more));
        return words.toArray();
    }

    @Test
    void writesWhatCalibrateWrites() {
        Path result = work.resolve("result");
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", Folder.SAMPLE, "--output", result)
                .isDone();
        Cli done = export(result, "vllm").isDone();
        Path out = work.resolve("out");
        assertThat(done.out().lines())
                .startsWith(
                        "scales of 30 layers for vLLM: fp8_e4m3 symmetric, tensor, static_minmax, scales in float32")
                .contains(
                        "wrote " + out.resolve("config.json"),
                        "wrote " + out.resolve("model-kvscales.safetensors"),
                        "scales_sha256 " + Folder.scales(result).sha256())
                .last()
                .isEqualTo("after merging them into MODEL, start with: vllm serve MODEL --kv-cache-dtype fp8");
        for (String name : List.of("config.json", "model-kvscales.safetensors")) {
            assertThat(Folder.bytes(out.resolve(name)))
                    .isEqualTo(Folder.bytes(result.resolve("vllm").resolve(name)));
        }
        assertThat(Folder.json(out.resolve("kvscale-export.json"))
                        .path("scales_sha256")
                        .asText())
                .isEqualTo(Folder.scales(result).sha256());
        assertThat(out.resolve("_SUCCESS")).exists();
    }

    @Test
    void everyTargetHasOneLineOfHelp() {
        List<String> help = Cli.run("export", "--help").isDone().out().lines().toList();
        for (ScaleExporter exporter : Targets.ALL) {
            assertThat(help).contains("  %-24s %s".formatted(exporter.target(), exporter.summary()));
        }
        assertThat(help).allMatch(line -> line.length() <= 100);
    }

    @Test
    void theSameScalesGiveTheSameBytes() {
        Path scales = scales(TargetTables.of(TargetTables.FP8, 2));
        export(scales, "modelopt").isDone();
        var first = Folder.content(work.resolve("out"));
        export(scales.resolve("kv_scales.json"), "modelopt", "--overwrite", "--quiet")
                .isDone();
        assertThat(Folder.content(work.resolve("out"))).isEqualTo(first);
    }

    @Test
    void quietPrintsNothing() {
        Cli done = export(scales(TargetTables.of(TargetTables.FP8, 1)), "tensorrt-llm", "--quiet")
                .isDone();
        assertThat(done.out() + done.err()).isEmpty();
    }

    @Test
    void notesSayWhatTheEngineDoesNotUse() {
        Cli done = export(scales(TargetTables.of(TargetTables.FP8, 1)), "tensorrt-llm")
                .isDone();
        assertThat(done.err()).startsWith("kvscale: TensorRT-LLM runs an fp8 cache with a scale of 1.0");
        assertThat(done.out()).doesNotContain("start with");
    }

    @Test
    void aSchemeThatTheTargetCannotHoldIsRefusedWithThoseThatCan() {
        export(scales(TargetTables.of(TargetTables.NVFP4, 1)), "vllm")
                .fails(
                        ExitCode.DATA,
                        "layer 0 key is FP4_E2M1, tensor_group; vLLM loads only symmetric fp8",
                        "NVFP4 with --model of a ModelOpt checkpoint",
                        "targets that can: tensorrt-llm, tensorrt-llm-cold-pages, modelopt, modelopt-layerwise",
                        "in file " + work.resolve("r"));
        export(scales(TargetTables.of(TargetTables.NVFP4, 1)), "sglang")
                .fails(ExitCode.DATA, "SGLang loads only symmetric fp8", "NVFP4 with --model of a ModelOpt checkpoint");
        assertThat(work.resolve("out")).doesNotExist();
    }

    @Test
    void scalesAreThoseOfTheTargetsConvention() {
        ScaleTable old = TargetTables.of(TargetTables.NVFP4, 1);
        Cli done = export(scales(old), "modelopt").isDone();
        assertThat(done.err()).contains("the scales are solved again");
        assertThat(done.out()).contains("absmax/448").doesNotContain(old.sha256());
        // absmax/2688 is 1/64 in layer 0 key.
        assertThat(TargetTables.tensors(Folder.bytes(work.resolve("out/model-kvscales.safetensors"))))
                .first()
                .isEqualTo("model.layers.0.self_attn.k_proj.k_scale[]=[" + 2688 / 64f / 448 + "]");
    }

    @Test
    void layersMayHaveSchemesOfTheirOwn() {
        ScaleTable table = TargetTables.of(
                slot -> slot.layer() == 0 ? TargetTables.FP8 : TargetTables.NVFP4, TargetTables.slots(2));
        export(scales(table), "vllm").fails(ExitCode.DATA, "layer 1 key is", "targets that can: modelopt-layerwise");
        Cli done = export(scales(table), "modelopt-layerwise").isDone();
        assertThat(done.out()).startsWith("scales of 2 layers for ModelOpt: several schemes\n");
        assertThat(Folder.text(work.resolve("out/hf_quant_config.json"))).contains("MIXED_PRECISION", "\"NVFP4\"");
    }

    @Test
    void layersWithoutScalesAreSkippedByTheCommandLine() {
        List<Slot> slots = TargetTables.slots(5).stream()
                .filter(slot -> slot.layer() == 1 || slot.layer() == 4)
                .toList();
        assertThat(export(scales(TargetTables.of(slot -> TargetTables.FP8, slots)), "vllm")
                        .isDone()
                        .out())
                .contains("--kv-cache-dtype-skip-layers 0 2 3\n");
    }

    @Test
    void namesFollowThePrefix() {
        export(scales(TargetTables.of(TargetTables.FP8, 1)), "vllm", "--prefix", "model.decoder.layers.{}.self_attn")
                .isDone();
        assertThat(TargetTables.tensors(Folder.bytes(work.resolve("out/model-kvscales.safetensors"))))
                .first()
                .asString()
                .startsWith("model.decoder.layers.0.self_attn.k_scale");
    }

    @Test
    void namesThatNoFileCanHoldAreRefused() {
        Path scales = scales(TargetTables.of(TargetTables.FP8, 1));
        export(scales, "vllm", "--prefix", "x".repeat(1_000))
                .fails(ExitCode.DATA, "no safetensors file can hold", "tensor xxx", "--prefix");
        export(scales, "vllm", "--prefix", "a\ud800b").fails(ExitCode.DATA, "no safetensors file can hold");
    }

    @Test
    void wrongUsage() {
        Path scales = scales(TargetTables.of(TargetTables.FP8, 1));
        export(scales, "tensorflow").fails(ExitCode.USAGE, "'tensorflow' is not a target", "vllm, sglang");
        export(scales, "vllm", "--copy").fails(ExitCode.USAGE, "--copy goes with --model");
        export(scales, "vllm", "--skip-layers", "1").fails(ExitCode.USAGE, "--skip-layers goes with --model");
        export(scales, "tensorrt-llm-cold-pages", "--model", work.toString())
                .fails(ExitCode.USAGE, "leave out --model");
        export(Folder.SAMPLE, "vllm").fails(ExitCode.DATA, "holds no scale table", "kv_scales.json");
        export(work.resolve("none"), "vllm").fails(ExitCode.DATA, "none", "does not exist");
        assertThat(work.resolve("out")).doesNotExist();
    }

    @Test
    void overwriteReplacesOnlyExportedFiles() throws IOException {
        Path scales = scales(TargetTables.of(TargetTables.FP8, 1));
        export(scales, "vllm").isDone();
        export(scales, "vllm").fails(ExitCode.OUTPUT, "already exists", "--overwrite");
        export(scales, "modelopt", "--overwrite").isDone();
        assertThat(work.resolve("out/config.json")).doesNotExist();
        Path note = Files.writeString(work.resolve("out/notes.txt"), "mine");
        export(scales, "vllm", "--overwrite")
                .fails(ExitCode.OUTPUT, "holds files other than exported files: notes.txt", "name another folder");
        Files.delete(note);
        Path record = work.resolve("out/kvscale-export.json");
        Files.writeString(record, Folder.text(record).replace("kvscale-export\"", "other\""));
        export(scales, "vllm", "--overwrite").fails(ExitCode.OUTPUT, "other than exported files: hf_quant_config.json");
        assertThat(work.resolve("out/hf_quant_config.json")).exists();
    }

    @Test
    void otherFoldersAreNotReplaced() {
        Path scales = scales(TargetTables.of(TargetTables.FP8, 1));
        Cli.run("export", "--scales", scales, "--for", "vllm", "--output", scales, "--overwrite")
                .fails(ExitCode.OUTPUT, scales.toString());
        Path result = work.resolve("result");
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", Folder.SAMPLE, "--output", result)
                .isDone();
        Cli.run("export", "--scales", scales, "--for", "vllm", "--output", result, "--overwrite")
                .fails(ExitCode.OUTPUT, "other than exported files: kv_scales.json");
        Cli.run("export", "--scales", result, "--for", "vllm", "--output", result.resolve("more"))
                .fails(ExitCode.OUTPUT, "overlap");
    }

    @Test
    void queriesThatTheTargetDoesNotReadAreLeftOut() {
        ScaleTable table = TargetTables.of(
                slot -> TargetTables.FP8,
                List.of(new Slot(0, Role.KEY), new Slot(0, Role.VALUE), new Slot(0, Role.QUERY)));
        assertThat(export(scales(table), "sglang").isDone().err()).contains("q_scale is left out: SGLang");
        assertThat(TargetTables.tensors(Folder.bytes(work.resolve("out/model-kvscales.safetensors"))))
                .hasSize(2);
        assertThat(export(scales(table), "vllm", "--overwrite").isDone().err()).doesNotContain("q_scale");
        assertThat(TargetTables.tensors(Folder.bytes(work.resolve("out/model-kvscales.safetensors"))))
                .hasSize(3);
    }

    @Test
    void searchedScalesAreSearchedAgainOnTheTargetsGrid() {
        Path input = work.resolve("in");
        Capture.of(2, 40, 1).write(input.resolve("s.safetensors"));
        Path result = work.resolve("result");
        Path recipe = Folder.recipe(
                work, "num_bits: 8, type: int, strategy: tensor, observer: mse", "kvscale: {statistics: histogram}");
        Cli.run("calibrate", "--recipe", recipe, "--input", input, "--output", result)
                .isDone();
        Cli done = export(result, "ort-genai").isDone();
        assertThat(done.err()).contains("the scales are solved again");
        assertThat(work.resolve("out/kv_cache_scales.json")).exists();
        Path alone = Capture.put(work.resolve("alone.json"), Folder.bytes(result.resolve("kv_scales.json")));
        export(alone, "ort-genai", "--overwrite")
                .fails(ExitCode.DATA, "observer mse compares the errors of scales", "alone.json", "layer 0 key");
    }
}
