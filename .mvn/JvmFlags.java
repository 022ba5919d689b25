import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.launcher.JavaModuleOptions;

/**
 * Writes the JVM flags that Spark requires to an argument file ({@code java @FILE}), one on each line.
 * The launcher and the test JVMs read this file, so there is only one list of flags.
 */
public final class JvmFlags {
    /** Arrow's Netty allocator needs Unsafe, which Netty 4.2 disables by default on JDK 24 and later. */
    private static final String ARROW = "-Dio.netty.noUnsafe=false";

    public static void main(String[] args) throws Exception {
        Path file = Path.of(args[0]);
        Files.createDirectories(file.toAbsolutePath().getParent());
        List<String> flags = Stream.concat(Stream.of(JavaModuleOptions.defaultModuleOptionArray()), Stream.of(ARROW))
                .toList();
        Files.write(file, flags, StandardCharsets.UTF_8);
    }
}
