package io.kvscale.capture.layout;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.numeric.Dtype;
import io.kvscale.safetensors.TensorEntry;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Turns table rows into tensors, with the checks that tensors of files pass. */
public final class TableTensorParser {
    private static final String FILL = "fill in the column, or remove such rows";

    private final CaptureOptions options;
    private final TableColumns columns;
    private final LayerFilter layers;

    /** @throws InvalidOptionException for an option that does not apply to tables */
    public TableTensorParser(CaptureOptions options) {
        if (options.layout() == Layout.THD2) {
            throw new InvalidOptionException(
                    "layout: 2THD is for tensors that hold K and V; a table row holds one of them",
                    "set another layout under kvscale in the recipe, or remove layout");
        }
        if (options.mask() != null && !options.mask().equals(CaptureOptions.NO_MASK)) {
            throw new InvalidOptionException(
                    "mask: " + DataProblem.shown(options.mask()) + " names a tensor, but tables have no mask",
                    "write the table without padding, and remove mask under kvscale in the recipe");
        }
        this.options = options;
        this.columns = options.columns();
        this.layers = options.layerFilter();
    }

    /**
     * The tensor of a row; null if its layer is not calibrated.
     *
     * @throws InvalidDataException if the row is not K or V of a layer, nor Q if queries are read; it names the row's sample, slot and file
     */
    public @Nullable TableTensor parse(KvTableRow row) {
        Slot slot = null;
        try {
            int layer = layer(row);
            if (!layers.includes(layer)) {
                return null;
            }
            slot = new Slot(layer, role(row));
            if (slot.role() == Role.VALUE && options.deniesValues()) {
                throw new InvalidDataException(
                        TensorNames.NO_VALUES, "remove mla, or write one latent tensor per layer, as key");
            }
            if (slot.role() == Role.QUERY && options.queries() == null) {
                throw new InvalidDataException(
                        column(columns.role()) + " is 'query', but the recipe does not ask for queries",
                        "write query: {scheme: {}} under kvscale in the recipe, or remove these rows");
            }
            return tensor(row, slot);
        } catch (InvalidDataException e) {
            throw new InvalidDataException(placed(e.problem(), row, slot), e);
        }
    }

    /** Adds a row's sample, slot and file to a problem. */
    public static DataProblem placed(DataProblem problem, KvTableRow row, @Nullable Slot slot) {
        return new DataProblem(
                problem.what(),
                problem.remedy(),
                row.sample() == null ? null : Sample.named(row.sample()),
                slot,
                row.file(),
                null);
    }

    private int layer(KvTableRow row) {
        long layer = needed(row.layer(), columns.layer());
        if (layer < 0 || layer > Slot.MAX_LAYER) {
            throw new InvalidDataException(
                    column(columns.layer()) + " is " + layer + ", not a layer within 0.." + Slot.MAX_LAYER,
                    "correct the table");
        }
        return (int) layer;
    }

    private Role role(KvTableRow row) {
        String word = needed(row.role(), columns.role());
        return Role.named(word)
                .orElseThrow(() -> new InvalidDataException(
                        column(columns.role()) + " is '" + DataProblem.shown(word) + "', neither key nor value",
                        "write key or k, value or v, query or q"));
    }

    private TableTensor tensor(KvTableRow row, Slot slot) {
        String name = TensorNames.of(slot);
        String dtype = dtype(row);
        needed(row.bytes() < 0 ? null : row.bytes(), columns.data());
        if (row.holes()) {
            throw new InvalidDataException(
                    column(columns.data()) + " has a null among its values", "correct the table");
        }
        List<Long> shape = shape(row, dtype);
        TensorNames.Part part = TensorNames.Part.of(slot.role());
        TensorShape seen = TensorShape.of(
                new TensorEntry(name, dtype, shape, 0, row.bytes()), part, slot.layer(), options, Map.of());
        Geometry geometry = seen.geometry();
        long token = (long) geometry.channels() * geometry.dtype().bytes();
        if (row.bytes() % token != 0 || row.bytes() / token != (long) seen.batch() * seen.tokens()) {
            throw new InvalidDataException(
                    column(columns.data()) + " holds " + row.bytes() + " bytes, which do not fit shape " + shape
                            + " of " + geometry.dtype(),
                    "write the whole tensor, row-major, with its own shape and dtype");
        }
        KvSource source = seen.source(row.file(), 0, row.sample(), null, row.continued());
        return new TableTensor(slot, source, name, shape);
    }

    private String dtype(KvTableRow row) {
        String said = row.dtype();
        if (!row.floats()) {
            return needed(said, columns.dtype()).toUpperCase(Locale.ROOT);
        }
        if (said != null && !said.equalsIgnoreCase(Dtype.F32.name())) {
            throw new InvalidDataException(
                    column(columns.dtype()) + " is '" + DataProblem.shown(said) + "', but " + column(columns.data())
                            + " holds 32-bit floats",
                    "write the bytes of the values as binary, or dtype F32 if the values are F32");
        }
        return Dtype.F32.name();
    }

    private List<Long> shape(KvTableRow row, String dtype) {
        if (row.shape() != null) {
            return stated(row.shape());
        }
        if (row.heads() == null && row.headDim() == null) {
            throw new InvalidDataException(
                    column(columns.shape()) + " is null, and so are '"
                            + DataProblem.shown(columns.heads()) + "' and '" + DataProblem.shown(columns.headDim())
                            + "'",
                    FILL);
        }
        return shapeByHeads(row, dtype);
    }

    private List<Long> stated(List<@Nullable Long> shape) {
        if (shape.stream().anyMatch(Objects::isNull)) {
            throw new InvalidDataException(
                    column(columns.shape()) + " has a null among its dimensions", "correct the table");
        }
        return shape.stream().map(d -> needed(d, columns.shape())).toList();
    }

    /** The shape of values [H,S,D], or [S,H,D] with that layout; the length of the values gives the tokens. */
    private List<Long> shapeByHeads(KvTableRow row, String dtype) {
        long heads = needed(row.heads(), columns.heads());
        long headDim = needed(row.headDim(), columns.headDim());
        int value =
                TensorShape.dtype(new TensorEntry("", dtype, List.of(), 0, 0)).bytes();
        long token = 1;
        for (long axis : new long[] {heads, headDim}) {
            if (axis < 1 || axis > Geometry.MAX_CHANNELS || (token *= axis) > Geometry.MAX_CHANNELS) {
                throw new InvalidDataException(
                        "columns '" + DataProblem.shown(columns.heads()) + "' and '"
                                + DataProblem.shown(columns.headDim()) + "' are " + heads + " and " + headDim
                                + ", whose product is not within 1.." + Geometry.MAX_CHANNELS,
                        "write num_key_value_heads and head_dim of the model's config.json");
            }
        }
        if (row.bytes() % (token * value) != 0) {
            throw new InvalidDataException(
                    column(columns.data()) + " holds " + row.bytes()
                            + " bytes, which are not whole tokens of " + heads + " heads of " + headDim + " in "
                            + dtype,
                    "write [heads, tokens, head_dim], row-major, with its own dtype");
        }
        long tokens = row.bytes() / (token * value);
        if (row.tokens() != null && row.tokens() != tokens) {
            throw new InvalidDataException(
                    "column '" + TableColumns.TOKENS + "' is " + row.tokens() + ", but column '"
                            + DataProblem.shown(columns.data()) + "' holds " + row.bytes() + " bytes, which are "
                            + tokens
                            + " tokens of " + heads + " heads of " + headDim + " in " + dtype,
                    "write the whole tensor, or correct the column");
        }
        Layout layout = options.layout() == null ? Layout.BHSD : options.layout();
        return switch (layout) {
            case BSHD -> List.of(1L, tokens, heads, headDim);
            case HSD -> List.of(heads, tokens, headDim);
            case SHD -> List.of(tokens, heads, headDim);
            case BHSD, THD2 -> List.of(1L, heads, tokens, headDim);
        };
    }

    private static String column(String name) {
        return "column '" + DataProblem.shown(name) + "'";
    }

    private static <T> T needed(@Nullable T value, String column) {
        if (value == null) {
            throw new InvalidDataException(column(column) + " is null", FILL);
        }
        return value;
    }
}
