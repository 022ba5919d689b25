package io.kvscale.text;

import io.kvscale.input.TemporaryFolder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the native libraries of the tokenizer (DJL) and of JNA out of the user's home, and DJL from connecting to its
 * servers. Runs before any class of DJL or JNA is loaded.
 */
final class NativeFiles {
    private NativeFiles() {}

    /** Sets the system properties that the user has not set; libraries unpack into a temporary folder of this JVM. */
    static synchronized void keepOutOfHome() {
        Properties properties = System.getProperties();
        properties.putIfAbsent("OPT_OUT_TRACKING", "true");
        properties.putIfAbsent("ai.djl.offline", "true");
        boolean djl = isSet("DJL_CACHE_DIR") || isSet("ENGINE_CACHE_DIR");
        if (!djl || System.getProperty("jna.tmpdir") == null) {
            String folder = temporary();
            properties.putIfAbsent("jna.tmpdir", folder);
            if (!djl) {
                properties.put("DJL_CACHE_DIR", folder);
            }
        }
    }

    /** DJL reads the environment before system properties. */
    private static boolean isSet(String name) {
        @Nullable String environment = System.getenv(name);
        return environment != null || System.getProperty(name) != null;
    }

    private static String temporary() {
        try {
            return TemporaryFolder.in(Path.of(System.getProperty("java.io.tmpdir")), "kvscale-native-")
                    .path()
                    .toString();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot create a temporary folder for the tokenizer's library", e);
        }
    }
}
