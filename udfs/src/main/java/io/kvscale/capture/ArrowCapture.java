package io.kvscale.capture;

import io.kvscale.arrow.ArrowRow;
import io.kvscale.arrow.ArrowTable;
import io.kvscale.arrow.Column;
import io.kvscale.arrow.TableQuery;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.KvTableRow;
import io.kvscale.capture.layout.TableColumns;
import io.kvscale.capture.layout.TableTensor;
import io.kvscale.capture.layout.TableTensorParser;
import io.kvscale.input.BlockWindow;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.safetensors.TensorEntry;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Turns the rows of an Arrow table that a piece of the file holds into tensors, in the order of their bytes. */
final class ArrowCapture implements ArrowTable.Rows {
    /** Bounds the heap of a task to a few gigabytes; only tables of tensors of a few hundred bytes reach it. */
    private static final int MAX_ROWS = 4 << 20;

    private final FilePiece piece;
    private final String file;
    private final TableTensorParser parser;
    private final List<SlotTensor> tensors = new ArrayList<>();
    private final List<CaptureHeader.Counted> counted = new ArrayList<>();
    private @Nullable InvalidDataException first;

    private ArrowCapture(FilePiece piece, TableTensorParser parser) {
        this.piece = piece;
        this.file = piece.file().name();
        this.parser = parser;
    }

    /**
     * Reads and checks the record batches that the piece touches, without the values.
     *
     * @throws InvalidDataException the first problem of these batches, by sample, layer and role
     */
    static CaptureHeader read(long start, FilePiece piece, BlockWindow window, CaptureRules rules) throws IOException {
        CaptureOptions options = rules.options();
        ArrowCapture capture = new ArrowCapture(piece, parser(options));
        WindowBytes bytes = new WindowBytes(window, piece.file().length());
        TableQuery query = new TableQuery(names(options.columns()), rules.layers()::includes);
        ArrowTable.read(start, bytes, query, piece.start(), piece.end(), capture);
        if (capture.first != null) {
            throw capture.first;
        }
        capture.tensors.sort(Comparator.comparingLong(SlotTensor::begin));
        return new CaptureHeader(capture.tensors, capture.counted, false, false, 0, List.of());
    }

    /** Reports an option that does not apply to tables as an error of this file, because other inputs may need it. */
    private static TableTensorParser parser(CaptureOptions options) {
        try {
            return new TableTensorParser(options);
        } catch (InvalidOptionException e) {
            throw new InvalidDataException(e.what(), e.remedy());
        }
    }

    private static Map<Column, String> names(TableColumns columns) {
        return Map.of(
                Column.SAMPLE, columns.sample(),
                Column.LAYER, columns.layer(),
                Column.ROLE, columns.role(),
                Column.SHAPE, columns.shape(),
                Column.HEADS, columns.heads(),
                Column.HEAD_DIM, columns.headDim(),
                Column.TOKENS, TableColumns.TOKENS,
                Column.POSITION, TableColumns.POSITION,
                Column.DTYPE, columns.dtype(),
                Column.DATA, columns.data());
    }

    @Override
    public void batch(List<ArrowRow> batch) {
        for (ArrowRow row : batch) {
            SlotTensor tensor = tensor(row);
            if (tensor.elementAt(piece.start()) < tensor.elementAt(piece.end())) {
                if (tensors.size() == MAX_ROWS) {
                    throw new InvalidDataException(
                            "one task reads more than " + MAX_ROWS + " tensors of this table",
                            "raise --partitions, or write several files");
                }
                tensors.add(tensor);
            }
        }
    }

    /** Keeps the first problem, with file and sample, on which the order depends. */
    @Override
    public void problem(InvalidDataException problem) {
        DataProblem named = problem.problem().inFile(file);
        if (named.sample() == null) {
            named = named.inSample(SampleNames.of(piece.file()));
        }
        if (first == null || named.compareTo(first.problem()) < 0) {
            first = new InvalidDataException(named, problem);
        }
    }

    private SlotTensor tensor(ArrowRow row) {
        // A table without a sample column is one sample.
        String sample = row.sample() == null ? piece.file().stem() : row.sample();
        try {
            TableTensor tensor = Objects.requireNonNull(parser.parse(columns(row, sample)));
            if (piece.holds(row.begin())) {
                counted.add(new CaptureHeader.Counted(
                        sample, new TensorEntry(tensor.name(), row.dtype(), tensor.shape(), row.begin(), row.end())));
            }
            return new SlotTensor(tensor.slot(), tensor.source().withOffset(row.begin()), tensor.name(), row.begin());
        } catch (InvalidDataException e) {
            throw new InvalidDataException(e.problem().inTensor(row.place()), e);
        }
    }

    private KvTableRow columns(ArrowRow row, String sample) {
        boolean shaped = row.heads() == 0;
        return new KvTableRow(
                file,
                sample,
                (long) row.slot().layer(),
                row.slot().role().word(),
                shaped ? row.shape() : null,
                shaped ? null : row.heads(),
                shaped ? null : row.headDim(),
                row.tokens() < 0 ? null : row.tokens(),
                row.dtype(),
                row.bytes(),
                false,
                false,
                row.continued());
    }
}
