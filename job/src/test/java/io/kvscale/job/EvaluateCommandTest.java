package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.evaluation.MadeScales;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluateCommandTest {
    private static final Path MODEL = Folder.HOME.resolve("conf/tiny-model");

    @TempDir
    private Path work;

    private Path scales;
    private Path texts;

    @BeforeEach
    void write() {
        scales = work.resolve("scales");
        Capture.put(
                scales.resolve("kv_scales.json"),
                MadeScales.of(QuantizationScheme.fp8(), 2, 16, 0.05f, new Slot(0, Role.KEY), new Slot(0, Role.VALUE))
                        .toJson());
        texts = Folder.write(work.resolve("texts.jsonl"), "{\"text\": \"the river had been rising\"}\n");
    }

    @Test
    void whatIsMissingOrNoNumberIsExitCodeTwo() {
        Cli.run("evaluate", "--text", texts, "--scales", scales).fails(ExitCode.USAGE, "--model");
        Cli.run("evaluate", "--model", MODEL, "--scales", scales).fails(ExitCode.USAGE, "--text");
        Cli.run("evaluate", "--model", MODEL, "--text", texts).fails(ExitCode.USAGE, "--scales");
        Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, "--chunk", 0)
                .fails(ExitCode.USAGE, "--chunk");
        Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, "--chunk", "many")
                .fails(ExitCode.USAGE, "--chunk");
        Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, "--partitions", 0)
                .fails(ExitCode.USAGE, "--partitions");
    }

    @Test
    void whatHoldsNoScalesIsNamed() {
        evaluate(work.resolve("absent")).fails(ExitCode.DATA, "absent", "check the path");
        evaluate(work).fails(ExitCode.DATA, work.toString(), "no scale table", "kv_scales.json");
        evaluate(texts).fails(ExitCode.DATA, "texts.jsonl");
        Path damaged = Folder.write(work.resolve("damaged/kv_scales.json"), "{\"format\": \"kvscale-scales\"}");
        evaluate(damaged.getParent()).fails(ExitCode.DATA, "damaged", "version");
    }

    @Test
    void anOutputThatExistsOrTouchesWhatIsReadIsLeftAsItIs() {
        var before = Folder.content(work);
        for (Path bad : new Path[] {scales, work, scales.resolve("out"), texts, MODEL.resolve("out")}) {
            Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, "--overwrite", "--output", bad)
                    .fails(ExitCode.OUTPUT, "--output");
        }
        Path other = Folder.write(work.resolve("other/evaluation.json"), "{}").getParent();
        Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, "--output", other)
                .fails(ExitCode.OUTPUT, "other", "--overwrite");
        Folder.write(other.resolve("thesis.tex"), "years of work");
        Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, "--overwrite", "--output", other)
                .fails(ExitCode.OUTPUT, "thesis.tex");
        assertThat(Folder.content(scales)).hasSize(1);
        assertThat(Folder.content(work)).containsAllEntriesOf(before);
    }

    private Cli evaluate(Path badScales) {
        return Cli.run("evaluate", "--model", MODEL, "--text", texts, "--scales", scales, badScales);
    }
}
