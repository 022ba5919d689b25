package io.kvscale.job.calibration;

import io.kvscale.task.PhaseNanos;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The size and the times of a run over texts.
 *
 * @param tokens of the texts that were chosen, without padding
 * @param wallSeconds the phases of the driver in their order, which do not overlap
 * @param tasks the phases of tasks, which do
 */
public record TextRun(long tokens, Map<String, Double> wallSeconds, PhaseNanos tasks) {
    /** This run over fewer texts, because it stopped early. */
    TextRun over(long used) {
        return new TextRun(used, wallSeconds, tasks);
    }

    /** This run with a phase in front of the others, and with one at the end. */
    TextRun within(double start, double pass, PhaseNanos more) {
        Map<String, Double> phases = new LinkedHashMap<>();
        phases.put("start", start);
        phases.putAll(wallSeconds);
        phases.put("forward_and_merge", pass);
        return new TextRun(tokens, phases, tasks.plus(more));
    }
}
