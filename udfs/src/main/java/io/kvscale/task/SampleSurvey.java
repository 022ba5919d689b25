package io.kvscale.task;

import io.kvscale.capture.CaptureFiles;
import io.kvscale.capture.SlotTensor;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.KvTableRow;
import io.kvscale.capture.layout.TableTensor;
import io.kvscale.capture.layout.TableTensorParser;
import io.kvscale.input.FilePiece;
import io.kvscale.input.Split;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * A closer look at the samples of a corpus in which a first pass found something wrong. It takes time and memory for each
 * sample, so it runs only then.
 */
public final class SampleSurvey implements RowSink {
    private final Set<Slot> scanned;
    private final TableTensorParser parser;
    private final TreeMap<Origin, SampleSlots> samples = new TreeMap<>();

    /**
     * A survey of table rows, which the caller passes in.
     *
     * @param scanned the slots whose values are read, at the ends of each sample
     */
    public SampleSurvey(CaptureOptions options, Set<Slot> scanned) {
        this.scanned = scanned;
        this.parser = new TableTensorParser(options);
    }

    /**
     * Surveys a split of capture files.
     *
     * @param scanned the slots whose values are read, at the ends of each sample
     * @param progress receives the number of files that were looked at
     */
    public static Collection<SampleSlots> of(
            Split split,
            CaptureOptions options,
            Configuration configuration,
            Set<Slot> scanned,
            LongConsumer progress) {
        TreeMap<Origin, SampleSlots> samples = new TreeMap<>();
        try (CaptureFiles files = new CaptureFiles(options, configuration, true)) {
            for (FilePiece piece : split.pieces()) {
                try {
                    for (SlotTensor tensor : files.open(piece)) {
                        if (piece.holds(tensor.begin())) {
                            add(samples, tensor.slot(), tensor.source(), scan(files, tensor, scanned));
                        }
                    }
                    files.finish();
                } catch (InvalidDataException e) {
                    add(samples, e.problem());
                }
                progress.accept(piece.start() == 0 ? 1 : 0);
            }
        }
        return samples.values();
    }

    private static @Nullable EndScan scan(CaptureFiles files, SlotTensor tensor, Set<Slot> scanned) {
        if (!scanned.contains(tensor.slot())) {
            return null;
        }
        EndScan scan = new EndScan(tensor.source());
        scan.read((from, to) -> files.read(tensor, from, to, tensor.byteOf(to), (element, values) -> scan.add(values)));
        return scan;
    }

    @Override
    public void row(KvTableRow row, @Nullable ByteBuffer values) {
        try {
            TableTensor tensor = parser.parse(row);
            if (tensor != null) {
                EndScan scan = null;
                if (values != null && scanned.contains(tensor.slot())) {
                    EndScan ends = new EndScan(tensor.source());
                    int bytes = tensor.source().geometry().dtype().bytes();
                    int begin = values.position();
                    ends.read((from, to) ->
                            ends.add(values.slice(begin + (int) from * bytes, (int) (to - from) * bytes)));
                    scan = ends;
                }
                add(samples, tensor.slot(), tensor.source(), scan);
            }
        } catch (InvalidDataException e) {
            add(samples, e.problem());
        }
    }

    /** The samples of all rows. */
    public Collection<SampleSlots> samples() {
        return samples.values();
    }

    private static void add(Map<Origin, SampleSlots> to, Slot slot, KvSource source, @Nullable EndScan scan) {
        for (int row = 0; row < source.batch(); row++) {
            Origin origin = source.origin(row);
            // A sample may lie in several files. Rows without a sample are told apart by file.
            Origin key = origin.sample() == null ? origin : new Origin(origin.sample(), "");
            TokenEnds ends = scan == null ? TokenEnds.NONE : scan.ends(row);
            SampleSlots.Held held = new SampleSlots.Held(origin.file(), source.realTokens(row), ends);
            to.merge(key, SampleSlots.of(key, slot, held), SampleSlots::merge);
        }
    }

    private static void add(Map<Origin, SampleSlots> to, DataProblem problem) {
        String file = problem.file();
        Origin key = new Origin(problem.sample(), file == null ? "" : file);
        to.merge(key, SampleSlots.of(key, problem), SampleSlots::merge);
    }
}
