package io.kvscale.job.console;

import io.kvscale.input.InputFile;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.task.TaskState;
import java.util.Collection;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Prints one capture as one line. If slots differ, a cell lists all their values. */
public final class CapturePrinter {
    private CapturePrinter() {}

    public static void row(TextTable table, InputFile file, TaskState read) {
        Collection<SlotStatistics> slots = read.statistics().slots().values();
        table.row(
                file.name(),
                slots.size(),
                each(slots, s -> s.geometry().dtype()),
                each(slots, s -> s.geometry().heads()),
                each(slots, s -> s.geometry().headDim()),
                each(slots, SlotStatistics::tokens),
                read.tally().unmatchedTensors());
    }

    private static String each(Collection<SlotStatistics> slots, Function<SlotStatistics, Object> of) {
        return slots.stream().map(of).distinct().map(Object::toString).collect(Collectors.joining("/"));
    }
}
