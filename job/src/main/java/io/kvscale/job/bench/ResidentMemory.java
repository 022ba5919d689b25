package io.kvscale.job.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** Resident memory of the process, native memory included. Known on Linux only. */
final class ResidentMemory {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path RESET = Path.of("/proc/self/clear_refs");
    private static final int CALLS = 3;

    private ResidentMemory() {}

    /** Peak bytes during a call, as the median of a few calls; 0 if unknown. */
    static double peak(Callable<?> running) throws Exception {
        List<Double> peaks = new ArrayList<>();
        for (int i = 0; i < CALLS; i++) {
            System.gc();
            if (!reset()) {
                return 0;
            }
            running.call();
            peaks.add((double) highest());
        }
        return Rounds.median(peaks);
    }

    private static boolean reset() {
        try {
            Files.writeString(RESET, "5"); // resets the peak to the current value
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static long highest() throws IOException {
        return Files.readAllLines(STATUS).stream()
                .filter(line -> line.startsWith("VmHWM:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D+", "")) * 1024)
                .findFirst()
                .orElse(0);
    }
}
