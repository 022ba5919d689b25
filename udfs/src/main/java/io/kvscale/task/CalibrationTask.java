package io.kvscale.task;

import io.kvscale.capture.CaptureReader;
import io.kvscale.capture.SampleNames;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.security.AccessControlException;
import org.jspecify.annotations.Nullable;

/**
 * What one task does: it runs a cache of its own over a split and returns what the cache observed. Bad data comes back
 * as a value, so that it is not retried.
 */
public final class CalibrationTask {
    private final CaptureReader reader;
    private final TaskObservations observed;
    private @Nullable IOException readFailure;

    /**
     * What a task gives back.
     *
     * @param problem the first thing that is wrong with the split's data, by sample, layer and role
     * @param geometries of every slot; where a slot has two, its statistics are of one of them
     * @param readFailure a read that failed for a reason that may pass, as a lost connection; it is among the problems
     *     too, for when there is no further attempt
     */
    public record Outcome(
            CalibrationStatistics statistics,
            SortedMap<Slot, Geometries> geometries,
            @Nullable DataProblem problem,
            Tally tally,
            @Nullable IOException readFailure) {
        /** Of a task that could not begin. */
        public static Outcome of(DataProblem problem) {
            return new Outcome(
                    new CalibrationStatistics(Corpus.EMPTY, new TreeMap<>()),
                    new TreeMap<>(),
                    problem,
                    Tally.NONE,
                    null);
        }
    }

    /**
     * What a task counts beside the statistics; a monoid but for the names.
     *
     * @param failed samples that a model did not run through
     */
    public record Tally(
            long readBytes,
            long nanos,
            long maskedFiles,
            long foreignFiles,
            long unmatchedTensors,
            List<String> names,
            FailedSamples failed)
            implements Serializable {
        public static final Tally NONE = new Tally(0, 0, 0, 0, 0, List.of(), FailedSamples.NONE);

        /** Of a task that only reads. */
        static Tally read(long bytes, long nanos) {
            return new Tally(bytes, nanos, 0, 0, 0, List.of(), FailedSamples.NONE);
        }

        public Tally merge(Tally other) {
            return new Tally(
                    readBytes + other.readBytes,
                    nanos + other.nanos,
                    maskedFiles + other.maskedFiles,
                    foreignFiles + other.foreignFiles,
                    unmatchedTensors + other.unmatchedTensors,
                    names.isEmpty() ? other.names : names,
                    failed.merge(other.failed));
        }
    }

    private CalibrationTask(
            SlotSchemes schemes,
            StatisticsKind kind,
            CaptureOptions options,
            Configuration configuration,
            CaptureReader.Depth depth,
            LongConsumer progress) {
        this.reader = new CaptureReader(options, configuration, depth, progress);
        this.observed = new TaskObservations(schemes, kind);
    }

    /**
     * Runs one split.
     *
     * @param kind what the statistics keep
     * @param depth {@code HEADERS} gives statistics without values: geometries, tokens and samples
     * @param progress told the bytes of K and V observed, block by block
     */
    public static Outcome run(
            Split split,
            SlotSchemes schemes,
            StatisticsKind kind,
            CaptureOptions options,
            Configuration configuration,
            CaptureReader.Depth depth,
            LongConsumer progress) {
        long start = System.nanoTime();
        CalibrationTask task = new CalibrationTask(schemes, kind, options, configuration, depth, progress);
        split.pieces().forEach(task::read);
        CaptureReader reader = task.reader;
        return task.observed.outcome(
                reader.corpus(),
                new Tally(
                        reader.readBytes(),
                        System.nanoTime() - start,
                        reader.maskedFiles(),
                        reader.foreignFiles(),
                        reader.unmatchedTensors(),
                        reader.unmatchedNames(),
                        FailedSamples.NONE),
                task.readFailure);
    }

    private void read(FilePiece piece) {
        DataProblem problem = observed.problem();
        if (problem != null && !mayComeBefore(piece.file(), problem)) {
            return;
        }
        try {
            reader.read(piece, observed::observe);
        } catch (InvalidDataException e) {
            observed.add(e.problem());
            if (e.getCause() instanceof IOException failure && mayPass(failure)) {
                readFailure = failure;
            }
        }
    }

    /** A file that is short, gone or forbidden stays so; any other failure may be the network's or a server's. */
    private static boolean mayPass(IOException failure) {
        return !(failure instanceof EOFException
                || failure instanceof FileNotFoundException
                || failure instanceof NoSuchFileException
                || failure instanceof AccessDeniedException
                || failure instanceof AccessControlException);
    }

    /** After a problem, only samples that could show an earlier one are still read. */
    private static boolean mayComeBefore(InputFile file, DataProblem problem) {
        Sample first = problem.sample();
        return first == null || SampleNames.mayHold(file, name -> Sample.compareUtf8(name, first.name()) <= 0);
    }
}
