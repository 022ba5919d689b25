package io.kvscale.model;

import java.io.File;
import java.lang.reflect.Field;
import java.nio.file.Path;

/**
 * The libraries that ONNX Runtime unpacks below {@code java.io.tmpdir}, 24 MB a JVM. By itself it leaves their folder
 * behind, and the libraries too where the JVM is killed, as executors are.
 */
final class Natives {
    private Natives() {}

    /** Removes them once they are loaded, where the operating system allows that; where not, nothing is lost. */
    static void removeFiles() {
        try {
            Field field = Class.forName("ai.onnxruntime.OnnxRuntime").getDeclaredField("tempDirectory");
            field.setAccessible(true);
            if (field.get(null) instanceof Path folder) {
                File[] files = folder.toFile().listFiles();
                boolean all = files != null;
                for (int i = 0; all && i < files.length; i++) {
                    all = files[i].delete();
                }
                if (all) {
                    folder.toFile().delete();
                }
            }
        } catch (ReflectiveOperationException | RuntimeException e) {
            // Another version of ONNX Runtime, then: it removes what it can at exit.
        }
    }
}
