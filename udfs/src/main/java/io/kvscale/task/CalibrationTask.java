package io.kvscale.task;

import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.capture.CaptureReader;
import io.kvscale.capture.SampleNames;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import java.io.IOException;
import org.apache.hadoop.conf.Configuration;

/** Observes the K and V of one split of capture files. Bad data becomes part of the state: Spark does not retry it. */
public final class CalibrationTask {
    private final CaptureReader reader;
    private final QuantizedKvCache cache;
    private final ReadListener listener;
    private final TaskState state = new TaskState();

    private CalibrationTask(
            SlotSchemes schemes,
            StatisticsKind kind,
            CaptureOptions options,
            Configuration configuration,
            CaptureReader.Depth depth,
            ReadListener listener) {
        this.reader = new CaptureReader(options, configuration, depth, listener::observed);
        this.cache = new QuantizedKvCache(schemes, 0, kind, null);
        this.listener = listener;
    }

    /**
     * Runs one split.
     *
     * @param kind what the statistics keep
     * @param depth {@code HEADERS} gives geometries, tokens and samples, without reading values
     */
    public static TaskState run(
            Split split,
            SlotSchemes schemes,
            StatisticsKind kind,
            CaptureOptions options,
            Configuration configuration,
            CaptureReader.Depth depth,
            ReadListener listener) {
        long start = System.nanoTime();
        CalibrationTask task = new CalibrationTask(schemes, kind, options, configuration, depth, listener);
        split.pieces().forEach(task::read);
        CaptureReader reader = task.reader;
        return task.state.counting(
                reader.corpus(),
                new Tally(
                        reader.readBytes(),
                        System.nanoTime() - start,
                        reader.maskedFiles(),
                        reader.foreignFiles(),
                        reader.unmatchedTensors(),
                        reader.unmatchedNames(),
                        FailedSamples.NONE));
    }

    private void read(FilePiece piece) {
        DataProblem problem = state.found();
        if (problem != null && !mayComeBefore(piece.file(), problem)) {
            return;
        }
        try {
            reader.read(piece, (slot, position, values) -> state.observe(cache, slot, position, values));
        } catch (InvalidDataException e) {
            if (e.getCause() instanceof IOException failure) {
                listener.failed(failure);
            }
            state.add(e.problem());
        }
    }

    /** After a problem, only samples that could show an earlier one are still read. */
    private static boolean mayComeBefore(InputFile file, DataProblem problem) {
        Sample first = problem.sample();
        return first == null || SampleNames.mayHold(file, name -> Sample.compareUtf8(name, first.name()) <= 0);
    }
}
