package io.kvscale.capture;

import io.kvscale.arrow.ArrowTable;
import io.kvscale.arrow.Column;
import io.kvscale.arrow.TableQuery;
import io.kvscale.arrow.TableRow;
import io.kvscale.numeric.Dtype;
import io.kvscale.safetensors.TensorEntry;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The rows of an Arrow table as tensors of slots: those that a piece of the file holds, in the order of their bytes. */
final class ArrowCapture implements ArrowTable.Rows {
    /** Some gigabytes of heap; reached only where tensors are of a few hundred bytes. */
    private static final int MAX_ROWS = 4 << 20;

    private final FilePiece piece;
    private final CaptureOptions options;
    private final List<SlotTensor> tensors = new ArrayList<>();
    private final List<CaptureHeader.Counted> counted = new ArrayList<>();
    private @Nullable InvalidDataException first;

    private ArrowCapture(FilePiece piece, CaptureOptions options) {
        this.piece = piece;
        this.options = options;
    }

    /**
     * Reads and checks everything but the values of the record batches that the piece touches.
     *
     * @throws InvalidDataException for the first problem of these batches, by sample, layer and role
     */
    static CaptureHeader read(long start, FilePiece piece, BlockWindow window, CaptureRules rules) throws IOException {
        CaptureOptions options = rules.options();
        if (options.layout() == Layout.THD2) {
            throw problem(
                    "layout: 2THD does not go with a table, whose rows hold K or V",
                    "say BHSD or SHD, or leave layout out, and give a row for each");
        }
        ArrowCapture capture = new ArrowCapture(piece, options);
        WindowBytes bytes = new WindowBytes(window, piece.file().length());
        TableQuery query = new TableQuery(names(options.columns()), rules::includes);
        ArrowTable.read(start, bytes, query, piece.start(), piece.end(), capture);
        if (capture.first != null) {
            throw capture.first;
        }
        capture.tensors.sort(Comparator.comparingLong(SlotTensor::begin));
        return new CaptureHeader(capture.tensors, capture.counted, false, false, 0, List.of());
    }

    private static Map<Column, String> names(TableColumns columns) {
        return Map.of(
                Column.SAMPLE, columns.sample(),
                Column.LAYER, columns.layer(),
                Column.ROLE, columns.role(),
                Column.SHAPE, columns.shape(),
                Column.HEADS, columns.heads(),
                Column.HEAD_DIM, columns.headDim(),
                Column.DTYPE, columns.dtype(),
                Column.DATA, columns.data());
    }

    @Override
    public void batch(List<TableRow> batch) {
        for (TableRow row : batch) {
            SlotTensor tensor = tensor(row);
            if (tensor.elementAt(piece.start()) < tensor.elementAt(piece.end())) {
                if (tensors.size() == MAX_ROWS) {
                    throw problem(
                            "one task meets more than " + MAX_ROWS + " tensors in this table",
                            "raise --partitions, or write several files");
                }
                tensors.add(tensor);
            }
        }
    }

    /** Keeps the least, named in full: whether it comes first must not depend on who adds the file and sample. */
    @Override
    public void problem(InvalidDataException problem) {
        DataProblem named = problem.problem().inFile(piece.file().name());
        if (named.sample() == null) {
            named = named.inSample(CaptureHeader.sampleOf(piece.file()));
        }
        if (first == null || named.compareTo(first.problem()) < 0) {
            first = new InvalidDataException(named, problem);
        }
    }

    private SlotTensor tensor(TableRow row) {
        String sample = row.sample() == null ? piece.file().sample() : row.sample();
        Slot slot = row.slot();
        // As a DynamicCache names them, so that the corpus is the same one.
        String name = "layers." + slot.layer() + "." + (slot.role() == Role.KEY ? "keys" : "values");
        try {
            TensorEntry entry = new TensorEntry(name, row.dtype(), shape(row), row.begin(), row.end());
            TensorNames.Part part = slot.role() == Role.KEY ? TensorNames.Part.KEY : TensorNames.Part.VALUE;
            TensorShape shape = TensorShape.of(entry, part, options, Map.of());
            checkLength(row, entry, shape);
            KvSource source = new KvSource(
                    piece.file().name(),
                    row.begin(),
                    sample,
                    shape.geometry(),
                    shape.batch(),
                    shape.tokens(),
                    shape.tokenMajor(),
                    null);
            if (piece.holds(row.begin())) {
                counted.add(new CaptureHeader.Counted(sample, entry));
            }
            return new SlotTensor(slot, source, name, row.begin());
        } catch (InvalidDataException e) {
            throw new InvalidDataException(
                    e.problem()
                            .inTensor(name + " (" + row.place() + ")")
                            .inSlot(slot)
                            .inSample(Sample.named(sample)),
                    e);
        }
    }

    private List<Long> shape(TableRow row) {
        if (row.heads() == 0) {
            return row.shape();
        }
        Optional<Dtype> dtype = Dtype.named(row.dtype());
        long token =
                saturated(row.heads(), row.headDim()) * dtype.map(Dtype::bytes).orElse(1);
        if (token <= 0 || row.bytes() % token != 0) {
            throw problem(
                    row.bytes() + " bytes of data are not whole tokens of " + row.heads() + " heads x head_dim "
                            + row.headDim() + " in " + DataProblem.shown(row.dtype()),
                    "check heads, head_dim and dtype of the row");
        }
        long tokens = row.bytes() / token;
        return options.layout() == Layout.SHD
                ? List.of(tokens, row.heads(), row.headDim())
                : List.of(1L, row.heads(), tokens, row.headDim());
    }

    private static long saturated(long a, long b) {
        return a > Integer.MAX_VALUE || b > Integer.MAX_VALUE / 8 ? 0 : a * b;
    }

    private static void checkLength(TableRow row, TensorEntry entry, TensorShape shape) {
        long bytes;
        try {
            bytes = shape.geometry().dtype().bytes();
            for (long dimension : entry.shape()) {
                bytes = Math.multiplyExact(bytes, dimension);
            }
        } catch (ArithmeticException e) {
            bytes = Long.MAX_VALUE;
        }
        if (bytes != row.bytes()) {
            throw problem(
                    "shape " + entry.shape() + " of " + row.dtype() + " takes " + bytes + " bytes, the data has "
                            + row.bytes(),
                    "check shape and dtype of the row; data is the tensor's values alone, little endian");
        }
    }

    private static InvalidDataException problem(String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy));
    }
}
