package io.kvscale.text;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * What has to be said before the first class of DJL loads: it would ask an address of its vendor's otherwise, and unpack
 * its library into the user's home.
 */
final class NativeLibraries {
    private static final String CACHE = "DJL_CACHE_DIR";

    private NativeLibraries() {}

    static void prepare() {
        System.setProperty("OPT_OUT_TRACKING", "true");
        System.setProperty("ai.djl.offline", "true");
        if (System.getenv(CACHE) == null && System.getProperty(CACHE) == null) {
            String folder = temporary().toString();
            System.setProperty(CACHE, folder);
            if (System.getProperty("jna.tmpdir") == null) {
                System.setProperty("jna.tmpdir", folder);
            }
        }
    }

    private static Path temporary() {
        try {
            Path folder = Files.createTempDirectory("kvscale-natives");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder), "kvscale-natives-cleanup"));
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException("there is no place for the tokenizer's library", e);
        }
    }

    private static void delete(Path folder) {
        try (Stream<Path> found = Files.walk(folder)) {
            List<Path> deepestFirst = found.sorted(Comparator.reverseOrder()).toList();
            for (Path path : deepestFirst) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            // The JVM ends; what is left lies where the system cleans up.
        }
    }
}
