package io.kvscale.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A JVM that tokenizes leaves no files behind. */
class HomeTest {
    @TempDir
    private Path work;

    @Test
    void nothingStaysInTheHomeOrTheTemporaryFolder() throws Exception {
        Path home = Files.createDirectory(work.resolve("home"));
        Path temporary = Files.createDirectory(work.resolve("tmp"));
        assertThat(encodeInAnotherJvm(home, temporary, List.of())).contains("ids=");
        assertThat(filesBelow(home)).isEmpty();
        assertThat(filesBelow(temporary)).isEmpty();
    }

    @Test
    void aFolderThatTheUserSetIsUsedAndKept() throws Exception {
        Path home = Files.createDirectory(work.resolve("home"));
        Path temporary = Files.createDirectory(work.resolve("tmp"));
        Path mine = work.resolve("mine");
        assertThat(encodeInAnotherJvm(home, temporary, List.of("-DDJL_CACHE_DIR=" + mine)))
                .contains("ids=");
        assertThat(filesBelow(home)).isEmpty();
        assertThat(filesBelow(temporary)).isEmpty();
        assertThat(filesBelow(mine)).isNotEmpty();
    }

    private String encodeInAnotherJvm(Path home, Path temporary, List<String> more) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:-UsePerfData",
                "-XX:TieredStopAtLevel=1",
                "-Duser.home=" + home,
                "-Djava.io.tmpdir=" + temporary,
                "-Dkvscale.top=" + System.getProperty("kvscale.top")));
        command.addAll(more);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), HomeTest.class.getName()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("HOME", home.toString());
        builder.environment().keySet().removeIf(name -> name.endsWith("_CACHE_DIR") || name.endsWith("_CACHE_HOME"));
        Path output = work.resolve("output");
        Process process = builder.redirectOutput(output.toFile()).start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return Files.readString(output);
    }

    private static List<Path> filesBelow(Path folder) throws IOException {
        try (Stream<Path> paths = Files.walk(folder)) {
            return paths.filter(path -> !path.equals(folder)).toList();
        }
    }

    public static void main(String[] arguments) {
        try (TextEncoder encoder = TextEncoder.open(TinyTokenizer.FOLDER, TextOptions.DEFAULT, 512)) {
            System.out.println(
                    "ids=" + encoder.encode(new TextRecord.Plain("hello")).ids().length);
        }
    }
}
