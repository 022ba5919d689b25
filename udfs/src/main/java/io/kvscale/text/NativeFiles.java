package io.kvscale.text;

import io.kvscale.input.TemporaryFolder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the native libraries of the tokenizer (DJL) and of JNA out of the user's home, and DJL from connecting to its
 * servers. Runs before any class of DJL or JNA is loaded.
 */
final class NativeFiles {
    private static boolean done;

    private NativeFiles() {}

    /** Sets the system properties that the user has not set; libraries unpack into a temporary folder of this JVM. */
    static synchronized void keepOutOfHome() {
        if (done) {
            return;
        }
        setIfAbsent("OPT_OUT_TRACKING", "true");
        setIfAbsent("ai.djl.offline", "true");
        boolean djl = isSet("DJL_CACHE_DIR") || isSet("ENGINE_CACHE_DIR");
        boolean jna = System.getProperty("jna.tmpdir") != null;
        if (!djl || !jna) {
            Path folder = temporary();
            if (!djl) {
                System.setProperty("DJL_CACHE_DIR", folder.toString());
            }
            if (!jna) {
                System.setProperty("jna.tmpdir", folder.toString());
            }
        }
        done = true;
    }

    private static void setIfAbsent(String name, String value) {
        if (System.getProperty(name) == null) {
            System.setProperty(name, value);
        }
    }

    /** DJL reads the environment before system properties. */
    private static boolean isSet(String name) {
        @Nullable String environment = System.getenv(name);
        return environment != null || System.getProperty(name) != null;
    }

    private static Path temporary() {
        try {
            return TemporaryFolder.in(Path.of(System.getProperty("java.io.tmpdir")), "kvscale-native-")
                    .path();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot create a temporary folder for the tokenizer's library", e);
        }
    }
}
