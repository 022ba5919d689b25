import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.launcher.JavaModuleOptions;

/**
 * Writes the JVM flags that Spark requires, and those of kvscale, to an argument file ({@code java @FILE}), one on each line.
 * The launcher and the test JVMs read this file, so there is only one list of flags.
 */
public final class JvmFlags {
    /** Arrow's Netty allocator needs Unsafe, which Netty 4.2 disables by default on JDK 24 and later. */
    private static final String ARROW = "-Dio.netty.noUnsafe=false";

    /**
     * Most commands end before the code that HotSpot's second compiler (C2) makes for them has paid off, so it starts at ten
     * times the usual counts. Kernels reach these within a second of work.
     */
    private static final List<String> LATER_C2 = List.of(
            "-XX:Tier4InvocationThreshold=50000",
            "-XX:Tier4MinInvocationThreshold=6000",
            "-XX:Tier4CompileThreshold=150000",
            "-XX:Tier4BackEdgeThreshold=400000");

    public static void main(String[] args) throws Exception {
        Path file = Path.of(args[0]);
        Files.createDirectories(file.toAbsolutePath().getParent());
        List<String> flags = new ArrayList<>(List.of(JavaModuleOptions.defaultModuleOptionArray()));
        flags.add(ARROW);
        flags.addAll(LATER_C2);
        Files.write(file, flags, StandardCharsets.UTF_8);
    }
}
