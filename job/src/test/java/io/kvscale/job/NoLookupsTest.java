package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.spark.launcher.JavaModuleOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.io.TempDir;

/** Commands with embedded Spark look up no host name and connect to no host. JDK 24 removed security managers. */
@EnabledForJreRange(max = JRE.JAVA_23)
class NoLookupsTest {
    @TempDir
    private Path work;

    /** A security manager that allows everything, and prints each lookup and connection. */
    @SuppressWarnings("removal")
    public static final class Printer extends SecurityManager {
        @Override
        public void checkPermission(java.security.Permission permission) {}

        @Override
        public void checkPermission(java.security.Permission permission, Object context) {}

        @Override
        public void checkConnect(String host, int port) {
            // Netty asks for the address of its own socket.
            if (!host.equals("127.0.0.1")) {
                System.err.println("lookup of " + host);
            }
        }

        @Override
        public void checkConnect(String host, int port, Object context) {
            checkConnect(host, port);
        }
    }

    private String errors(Object... words) throws Exception {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        Collections.addAll(command, JavaModuleOptions.defaultModuleOptionArray());
        command.addAll(List.of(
                "-XX:TieredStopAtLevel=1",
                "-Djava.security.manager=" + Printer.class.getName(),
                "-Dlog4j2.configurationFile=" + Folder.HOME.resolve("conf/log4j2.properties"),
                "-Dlog4j2.configurationFactory=" + LogConfigurationFactory.class.getName(),
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        for (Object word : words) {
            command.add(word.toString());
        }
        Path errors = work.resolve("errors");
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectError(errors.toFile())
                .redirectOutput(work.resolve("printed").toFile());
        builder.environment().remove("SPARK_LOCAL_IP");
        builder.environment().remove("SPARK_LOCAL_HOSTNAME");
        Process process = builder.start();
        assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(Folder.text(errors)).isZero();
        return Folder.text(errors);
    }

    @Test
    void noHostNameIsLookedUp() throws Exception {
        Path recipe = Folder.recipe(work, "num_bits: 8, type: float, strategy: tensor");
        Path captures = work.resolve("captures");
        Capture.of(2, 4, 1).write(captures.resolve("a.safetensors"));
        Path output = work.resolve("out");
        assertThat(errors("calibrate", "--recipe", recipe, "--input", captures, "--output", output))
                .doesNotContain("lookup of");
        assertThat(Folder.text(output.resolve("run.json"))).containsPattern("\"host\" ?: ?\"[^\"]+\"");
        Path statistics = output.resolve("statistics.kvstats");
        Path derived = work.resolve("derived");
        assertThat(errors("scales", "--statistics", statistics, "--recipe", recipe, "--output", derived))
                .doesNotContain("lookup of");
        assertThat(errors("inspect", captures)).doesNotContain("lookup of");
    }
}
