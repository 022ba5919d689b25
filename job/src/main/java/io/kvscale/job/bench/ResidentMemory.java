package io.kvscale.job.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** The memory that the process holds, native memory too, where the system tells it (Linux). */
final class ResidentMemory {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path RESET = Path.of("/proc/self/clear_refs");
    private static final int TIMES = 3;

    private ResidentMemory() {}

    /** The most bytes that are held while something runs, the median of a few times; 0 where it is not known. */
    static double peak(Callable<?> running) throws Exception {
        List<Double> peaks = new ArrayList<>();
        for (int i = 0; i < TIMES; i++) {
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
            Files.writeString(RESET, "5"); // sets the peak to what is held now
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
