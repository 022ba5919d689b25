package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.apache.spark.launcher.JavaModuleOptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A shell's glob over a downloaded folder runs nothing, whatever the files in it are named. */
class UntrustedNamesTest {
    private static final String RESOURCE = "spark.driver.resource.gpu.";

    @TempDir
    private Path work;

    private Path folder = Path.of("");
    private Path recipe = Path.of("");
    private Path ran = Path.of("");
    private Path script = Path.of("");

    @BeforeEach
    void makeAFolderOfCaptures() throws IOException {
        folder = Files.createDirectory(work.resolve("downloaded"));
        Capture.of(2, 4, 1).write(folder.resolve("a.safetensors"));
        recipe = Folder.recipe(work, "num_bits: 8, type: float, strategy: tensor");
        ran = work.resolve("ran");
        script = Folder.write(
                folder.resolve("gpu.sh"),
                "#!/bin/sh\ntouch " + ran + "\necho '{\"name\": \"gpu\", \"addresses\": [\"0\"]}'\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();
    }

    /** Runs kvscale through a shell in the downloaded folder. */
    private Cli shell(String command) throws Exception {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        String flags = JavaModuleOptions.defaultModuleOptions();
        Path out = work.resolve("stdout");
        Path err = work.resolve("stderr");
        ProcessBuilder builder = new ProcessBuilder(
                        "sh", "-c", "exec \"$JAVA\" " + flags + " -cp \"$CLASSES\" io.kvscale.job.Main " + command)
                .directory(folder.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().put("JAVA", java);
        builder.environment().put("CLASSES", System.getProperty("java.class.path"));
        builder.environment().put("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1");
        builder.environment().put("LC_ALL", "C");
        Process process = builder.start();
        assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        String errors = Folder.text(err)
                .lines()
                .filter(line -> line.startsWith("kvscale:") || line.startsWith("  "))
                .reduce("", (a, b) -> a + b + "\n");
        return new Cli(process.exitValue(), Folder.text(out), errors);
    }

    private String calibrate(String words) {
        return "calibrate --recipe " + recipe + " --output " + work.resolve("out") + " " + words;
    }

    /** {@code @x.safetensors} would be replaced by the words in {@code x.safetensors}. */
    private void addArgumentFile() {
        Folder.write(folder.resolve("@x.safetensors"), "");
        Folder.write(
                folder.resolve("x.safetensors"),
                String.join(
                        "\n",
                        "a.safetensors",
                        "--conf",
                        RESOURCE + "amount=1",
                        "--conf",
                        RESOURCE + "discoveryScript=" + script,
                        "--input",
                        "a.safetensors"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"--input *.safetensors", "--input -- *.safetensors"})
    void aFileNamedAsAnArgumentFileIsOneMorePath(String words) throws Exception {
        addArgumentFile();
        shell(calibrate(words)).fails(ExitCode.DATA, "@x.safetensors");
        assertThat(ran).doesNotExist();
    }

    @Test
    void aRecipeNamedWithAnAtSignIsNotPrinted() {
        Path secret = Folder.write(work.resolve("secret"), "root:x:0\nother:x:1\n");
        Cli failed = Cli.run("calibrate", "--recipe", "@" + secret, "--input", folder, "--output", work.resolve("out"))
                .fails(ExitCode.USAGE, "@" + secret);
        assertThat(failed.err()).doesNotContain("root:x", "other:x");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"--conf=spark.plugins=x.safetensors", "--overwrite", "--recipe=x.safetensors", "--conf", "-x"})
    void aFileNamedAsAnOptionIsRefused(String name) throws Exception {
        Folder.write(folder.resolve(name), "");
        shell(calibrate("--input *")).fails(ExitCode.USAGE, name, "name of a file", "--input -- *.safetensors");
        assertThat(work.resolve("out")).doesNotExist();
    }

    @Test
    void allWordsAfterTwoHyphensArePaths() throws Exception {
        String name = "--conf=spark.plugins=b.safetensors";
        Capture.of(2, 4, 2).write(folder.resolve(name));
        shell(calibrate("--input -- *.safetensors")).isDone();
        assertThat(Folder.scales(work.resolve("out")).corpus().files()).isEqualTo(2);
        shell("inspect -- *.safetensors").isDone();
        shell("evaluate --model . --text a --scales -- --table=x").fails(ExitCode.DATA, "--table=x");
    }

    @Test
    void twoHyphensNeedAPath() {
        Cli.run("calibrate", "--recipe", recipe, "--output", work.resolve("out"), "--input", "--")
                .fails(ExitCode.USAGE, "no path follows --");
    }

    @Test
    void pathsBeforeTheHyphensAreKept() {
        Cli.run(
                        "calibrate",
                        "--recipe",
                        recipe,
                        "--output",
                        work.resolve("out"),
                        "--input",
                        folder,
                        "--input",
                        "--",
                        "absent")
                .fails(ExitCode.DATA, "absent");
    }
}
