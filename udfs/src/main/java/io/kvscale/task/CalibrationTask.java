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
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/** Observes the K and V of one split of capture files. Bad data becomes part of the state: Spark does not retry it. */
public final class CalibrationTask {
    private CalibrationTask() {}

    /**
     * Observes a split.
     *
     * @param depth {@code HEADERS} gives geometries, tokens and samples, without reading values
     * @param progress receives the bytes of K and V observed, block by block
     * @param readFailures receives failed reads, which then become problems; may throw to have Spark run the task again
     */
    public static TaskState run(
            Split split,
            SlotSchemes schemes,
            StatisticsKind kind,
            CaptureOptions options,
            Configuration configuration,
            CaptureReader.Depth depth,
            LongConsumer progress,
            Consumer<IOException> readFailures) {
        long start = System.nanoTime();
        CaptureReader reader = new CaptureReader(options, configuration, depth, progress);
        QuantizedKvCache cache = new QuantizedKvCache(schemes, 0, kind, null);
        TaskState state = new TaskState(kind);
        CaptureScreen screen = new CaptureScreen(options);
        RotationScan rotation = new RotationScan(options);
        for (FilePiece piece : split.pieces()) {
            if (!mayComeBefore(piece.file(), state.found())) {
                continue;
            }
            try {
                reader.read(piece, (slot, position, values) -> {
                    screen.observe(slot, position, values);
                    state.observe(cache, rotation, slot, position, values);
                });
            } catch (InvalidDataException e) {
                if (e.getCause() instanceof IOException failure) {
                    readFailures.accept(failure);
                }
                state.add(e.problem());
            }
        }
        return state.suspecting(screen)
                .rotated(rotation)
                .reading(reader.readNanos())
                .counting(
                        reader.corpus(),
                        new Tally(
                                reader.readBytes(),
                                System.nanoTime() - start,
                                reader.maskedFiles(),
                                reader.foreignFiles(),
                                reader.unmatchedTensors(),
                                reader.unmatchedNames(),
                                FailedSamples.NONE,
                                PhaseNanos.NONE));
    }

    /** After a problem, only files that could show an earlier problem are read. */
    private static boolean mayComeBefore(InputFile file, @Nullable DataProblem problem) {
        Sample first = problem == null ? null : problem.sample();
        return first == null || SampleNames.mayHold(file, name -> Sample.compareUtf8(name, first.name()) <= 0);
    }
}
