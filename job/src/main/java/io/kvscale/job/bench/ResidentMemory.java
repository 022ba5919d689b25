package io.kvscale.job.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The memory that the process holds, native memory too, where the system tells it (Linux). */
final class ResidentMemory {
    private static final Path STATUS = Path.of("/proc/self/status");

    private ResidentMemory() {}

    /** 0 where it is not known. */
    static long bytes() throws IOException {
        if (!Files.isReadable(STATUS)) {
            return 0;
        }
        return Files.readAllLines(STATUS).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D+", "")) * 1024)
                .findFirst()
                .orElse(0);
    }
}
