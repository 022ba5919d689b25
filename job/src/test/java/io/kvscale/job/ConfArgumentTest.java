package io.kvscale.job;

import io.kvscale.job.command.ExitCode;
import io.kvscale.job.export.CopyingFileSystem;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code --conf} of commands that do not start Spark: it sets up the file systems that they read. */
class ConfArgumentTest {
    private static final String CONF = " --conf spark.hadoop.fs.copying.impl=" + CopyingFileSystem.class.getName()
            + " --conf spark.hadoop.fs.copying.impl.disable.cache=true";

    @TempDir
    private static Path work = Path.of("");

    @BeforeAll
    static void calibrate() {
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", Folder.SAMPLE, "--output", work.resolve("out"))
                .isDone();
    }

    private static Object[] words(String command) {
        List<Object> words = new ArrayList<>();
        for (String word : command.split(" ")) {
            words.add(word.replace("OUT", "copying://" + work.resolve("out"))
                    .replace("FP8", String.valueOf(Folder.FP8))
                    .replace("NEW", work.resolve(command.split(" ")[0]).toString()));
        }
        return words.toArray();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "inspect OUT",
                "compare OUT OUT",
                "drift --from OUT --to OUT",
                "scales --statistics OUT/statistics.kvstats --recipe FP8 --output NEW",
                "export --scales OUT --for tgi --output NEW"
            })
    void everyCommandReadsAFileSystemThatItSetsUp(String command) {
        Cli.run(words(command)).fails(ExitCode.DATA, "copying");
        Cli.run(words(command + CONF)).isDone();
    }

    @Test
    void adviseReadsItToo() {
        String command = "advise --statistics OUT/statistics.kvstats --bits 8";
        Cli.run(words(command)).fails(ExitCode.DATA, "copying");
        Cli.run(words(command + CONF)).fails(ExitCode.DATA, "advise needs histograms");
    }

    @Test
    void onlySparkPropertiesAreTaken() {
        Cli.run(words("compare OUT OUT --conf fs.copying.impl=x")).fails(ExitCode.USAGE, "--conf", "fs.copying.impl=x");
    }

    @Test
    void theNameOfS3IsSaid() {
        Cli.run("inspect", "s3://bucket/out").fails(ExitCode.DATA, "s3a://", "hadoop-aws");
        Cli.run("inspect", "s3a://bucket/out").fails(ExitCode.DATA, "KVSCALE_CLASSPATH", "object-stores.md");
    }
}
