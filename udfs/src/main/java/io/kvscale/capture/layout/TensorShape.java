package io.kvscale.capture.layout;

import io.kvscale.numeric.Dtype;
import io.kvscale.safetensors.TensorEntry;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.TokenMask;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The axes of a captured tensor, from its shape, the recipe, the model's config.json and the file's metadata. */
public record TensorShape(Geometry geometry, int batch, int tokens, boolean tokenMajor) {

    /**
     * @param part {@code BOTH} needs a first axis of 2
     * @throws InvalidDataException if dtype or shape do not fit K or V, or contradict the recipe or the model
     */
    public static TensorShape of(
            TensorEntry entry, TensorNames.Part part, int layer, CaptureOptions options, Map<String, String> metadata) {
        Dtype dtype = dtype(entry);
        List<Long> shape = entry.shape();
        Layout layout = layout(entry, part, options);
        StatedHeads stated = StatedHeads.of(part, layer, options, metadata);
        if (part == TensorNames.Part.BOTH && layout != Layout.THD2) {
            throw problem(
                    entry,
                    "this tensor holds K and V together, which does not fit layout " + layout.word(),
                    "set layout: 2THD under kvscale in the recipe, or remove layout");
        }
        Layout.Axes axes = layout.axes(shape);
        if (axes == null) {
            throw problem(
                    entry,
                    "shape " + shape + " does not fit layout " + layout.word() + ", expected " + layout.described(),
                    "set layout under kvscale in the recipe, or capture in a supported layout");
        }
        if (axes.heads() == 0) {
            axes = divided(entry, axes, stated, part, options.mla());
        }
        return checked(entry, dtype, axes, stated, layout, part, options);
    }

    /** The tensor with this shape at a position of a file. */
    public KvSource source(
            String file, long begin, @Nullable String sample, @Nullable TokenMask mask, boolean continued) {
        return new KvSource(file, begin, sample, geometry, batch, tokens, tokenMajor, mask, continued);
    }

    /** @throws InvalidDataException if the dtype does not fit K or V */
    static Dtype dtype(TensorEntry entry) {
        String name = entry.dtype();
        return Dtype.named(name)
                .orElseThrow(() -> name.startsWith("F8")
                                || name.startsWith("F4")
                                || name.startsWith("F6_")
                                || name.equals("I8")
                                || name.equals("U8")
                        ? problem(
                                entry,
                                "these values are already quantized (" + name + ")",
                                "capture K and V in BF16, F16 or F32, before the cache quantizes them")
                        : problem(
                                entry,
                                "dtype " + DataProblem.shown(name) + " is not one of F32, BF16, F16",
                                "capture K and V in F32, BF16 or F16"));
    }

    private static Layout layout(TensorEntry entry, TensorNames.Part part, CaptureOptions options) {
        @Nullable Layout given = options.layout();
        // Where K and V lie in one tensor, queries have one of their own.
        if (given != null && (given != Layout.THD2 || part != TensorNames.Part.QUERY)) {
            return given;
        }
        if (part == TensorNames.Part.BOTH) {
            if (entry.shape().size() == 2) {
                throw problem(
                        entry,
                        "shape " + entry.shape() + " has no axis for K and V",
                        "if the model uses MLA, set mla: true under kvscale in the recipe");
            }
            return Layout.THD2;
        }
        List<Long> shape = entry.shape();
        return switch (shape.size()) {
            case 4 -> options.mla() && shape.get(1) != 1 && shape.get(2) == 1 ? Layout.BSHD : Layout.BHSD;
            // A latent tensor has one head, so three axes are [tokens, 1, latent] or [batch, tokens, latent].
            case 3 -> options.mla() && shape.get(1) != 1 ? Layout.BSHD : Layout.SHD;
            case 2 -> Layout.SHD;
            default -> throw problem(entry, "shape " + shape + " does not fit K or V", "capture [B,H,S,D] or [S,H,D]");
        };
    }

    /** Divides merged heads and head_dim. */
    private static Layout.Axes divided(
            TensorEntry entry, Layout.Axes axes, StatedHeads stated, TensorNames.Part part, boolean mla) {
        long width = axes.width();
        long heads = stated.heads() > 0 ? stated.heads() : mla ? 1 : 0;
        heads = heads > 0 ? heads : stated.headDim() > 0 ? width / stated.headDim() : 0;
        if (heads == 0 || width % heads != 0) {
            throw problem(
                    entry,
                    "heads and head_dim are merged into " + width + " values per token"
                            + (heads == 0
                                    ? ", and the number of heads is unknown"
                                    : ", which do not divide into " + heads + " heads"),
                    part == TensorNames.Part.QUERY
                            ? "set head_dim under kvscale in the recipe, or give --model-config"
                            : "set kv_heads (num_key_value_heads of the model's config.json) under kvscale in the recipe,"
                                    + " or give --model-config");
        }
        return new Layout.Axes(axes.batch(), axes.tokens(), heads, width / heads);
    }

    private static TensorShape checked(
            TensorEntry entry,
            Dtype dtype,
            Layout.Axes axes,
            StatedHeads stated,
            Layout layout,
            TensorNames.Part part,
            CaptureOptions options) {
        long heads = axes.heads();
        long headDim = axes.width();
        if ((stated.heads() > 0 && stated.heads() != heads) || (stated.headDim() > 0 && stated.headDim() != headDim)) {
            throw problem(
                    entry,
                    "shape " + entry.shape() + " gives " + heads + " heads of " + headDim
                            + (stated.byModel() ? ", config.json says " : ", expected ")
                            + (stated.heads() > 0 ? stated.heads() : heads) + " of "
                            + (stated.headDim() > 0 ? stated.headDim() : headDim),
                    new LayoutGuess(entry.shape(), stated, part, options.model()).remedy(heads, headDim));
        }
        if (axes.batch() < 1 || axes.tokens() < 1 || heads < 1 || headDim < 1) {
            throw problem(entry, "shape " + entry.shape() + " holds no values", "remove the empty capture");
        }
        boolean guessed = options.layout() == null && stated.heads() == 0 && part != TensorNames.Part.QUERY;
        boolean tooLarge = axes.batch() > Integer.MAX_VALUE
                || axes.tokens() > Integer.MAX_VALUE
                || heads > Geometry.MAX_CHANNELS
                || headDim > Geometry.MAX_CHANNELS
                || heads * headDim > Geometry.MAX_CHANNELS;
        if (tooLarge || guessed && heads > LikelyLayout.MAX_HEADS) {
            LikelyLayout likely = LikelyLayout.of(layout.isTokenMajor(), axes.tokens(), headDim);
            throw problem(
                    entry,
                    "shape " + entry.shape()
                            + (tooLarge
                                    ? " is larger than that of any model"
                                    : " gives " + heads + " KV heads, more than any model has")
                            + (guessed ? "; it looks like " + likely.axes() : ""),
                    guessed ? likely.remedy() : "check layout under kvscale in the recipe");
        }
        Geometry geometry = new Geometry(dtype, (int) heads, (int) headDim);
        return new TensorShape(geometry, (int) axes.batch(), (int) axes.tokens(), layout.isTokenMajor());
    }

    private static InvalidDataException problem(TensorEntry entry, String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy).inTensor(entry.name()));
    }
}
