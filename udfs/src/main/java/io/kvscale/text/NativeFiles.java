package io.kvscale.text;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.fs.FileUtil;
import org.jspecify.annotations.Nullable;

/**
 * Where the tokenizer's library and JNA unpack: by themselves into the user's home, and DJL calls its makers when it is
 * first used. Must run before any class of theirs is loaded.
 */
final class NativeFiles {
    private static boolean done;

    private NativeFiles() {}

    /** Sets what the user has not set: no calls, and a temporary folder that goes with this JVM. */
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

    /** DJL looks at the environment first. */
    private static boolean isSet(String name) {
        @Nullable String environment = System.getenv(name);
        return environment != null || System.getProperty(name) != null;
    }

    private static Path temporary() {
        try {
            Path folder = Files.createTempDirectory("kvscale-native-");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> FileUtil.fullyDelete(folder.toFile())));
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException("no temporary folder for the tokenizer's library", e);
        }
    }
}
