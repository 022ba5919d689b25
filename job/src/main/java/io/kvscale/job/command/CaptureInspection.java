package io.kvscale.job.command;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.capture.ForeignCapture;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.job.console.CapturePrinter;
import io.kvscale.job.console.StatisticsPrinter;
import io.kvscale.job.console.TextTable;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.task.CalibrationTask;
import io.kvscale.task.Tally;
import io.kvscale.task.TaskState;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * What the captures below a path hold. A single one is read completely, with its ranges; of several, headers and masks.
 *
 * @param statistics of all files together
 * @param table one row for each file
 * @param eachFile the content of each file by its name; empty unless asked for, because there may be many
 */
record CaptureInspection(
        int files, CalibrationStatistics statistics, TextTable table, Map<String, Map<?, ?>> eachFile) {

    /**
     * Reads captures.
     *
     * @throws InvalidDataException if there are none, one is damaged, or they hold no K or V
     */
    static CaptureInspection of(String path, CaptureOptions options, boolean each, Configuration hadoop) {
        List<InputFile> files = CaptureListing.of(List.of(path), hadoop).files();
        Depth depth = files.size() == 1 ? Depth.VALUES : Depth.HEADERS;
        TextTable table = new TextTable("file", "slots", "dtype", "heads", "head_dim", "tokens", "unmatched");
        Map<String, Map<?, ?>> eachFile = new LinkedHashMap<>();
        TaskState all = new TaskState();
        for (InputFile file : files) {
            TaskState read = read(file, options, hadoop, depth);
            CapturePrinter.row(table, file, read);
            if (each && depth == Depth.HEADERS) {
                eachFile.put(file.name(), StatisticsPrinter.json(read.statistics()));
            }
            all.merge(read);
        }
        if (all.statistics().slots().isEmpty()) {
            @Nullable DataProblem foreign = ForeignCapture.problem(files.get(0), options, hadoop);
            throw nothing(path, files.size(), all.tally(), foreign);
        }
        return new CaptureInspection(files.size(), all.statistics(), table, eachFile);
    }

    private static TaskState read(InputFile file, CaptureOptions options, Configuration hadoop, Depth depth) {
        Split whole = new Split(new ArrayList<>(List.of(new FilePiece(file, 0, file.length()))));
        QuantizationScheme any = QuantizationScheme.fp8();
        TaskState read = CalibrationTask.run(
                whole,
                new SlotSchemes(any, any, List.of(), any),
                StatisticsKind.RANGE,
                options,
                hadoop,
                depth,
                bytes -> {},
                failure -> {});
        if (read.problem() != null) {
            throw new InvalidDataException(read.problem());
        }
        return read;
    }

    private static InvalidDataException nothing(String path, int files, Tally tally, @Nullable DataProblem foreign) {
        return new InvalidDataException(DataProblem.of(
                        (files == 1 ? "no tensor of this file is" : "no tensor of these " + files + " files is")
                                + " K or V of a layer"
                                + (tally.names().isEmpty() ? "" : "; there are " + tally.names()),
                        "name captures, or say with --recipe how their K and V are named (key.tensors, value.tensors)"
                                + (foreign == null ? "" : "; " + foreign.remedy()))
                .inFile(path));
    }
}
