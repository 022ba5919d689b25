package io.kvscale.job.state;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** This machine. */
public final class LocalHost {
    private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");

    private LocalHost() {}

    /** Its name as the kernel has it. {@code InetAddress.getLocalHost} would ask DNS for it. */
    public static String name() {
        try {
            return Files.readString(HOST_NAME).strip();
        } catch (IOException e) {
            return Objects.requireNonNullElse(System.getenv("HOSTNAME"), "unknown");
        }
    }
}
