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

/** The axes of a captured tensor, from its shape, the recipe and the file's metadata. */
public record TensorShape(Geometry geometry, int batch, int tokens, boolean tokenMajor) {

    /**
     * @param part {@code BOTH} needs a first axis of 2
     * @throws InvalidDataException if dtype or shape do not fit K or V, or contradict the recipe
     */
    public static TensorShape of(
            TensorEntry entry, TensorNames.Part part, CaptureOptions options, Map<String, String> metadata) {
        Dtype dtype = dtype(entry);
        List<Long> shape = entry.shape();
        Layout layout = layout(entry, part, options);
        int heads = stated("kv_heads", options.kvHeads(), metadata);
        int headDim = stated("head_dim", options.headDim(), metadata);
        boolean both = part == TensorNames.Part.BOTH;
        if (both && layout != Layout.THD2) {
            throw problem(
                    entry,
                    "this tensor holds K and V together, which does not fit layout " + layout.word(),
                    "set layout: 2THD under kvscale in the recipe, or remove layout");
        }
        if (layout == Layout.BHSD) {
            need(entry, shape.size() == 4, layout, "[batch, kv_heads, tokens, head_dim]");
            return checked(entry, dtype, shape.get(0), shape.get(2), shape.get(1), shape.get(3), heads, headDim, false);
        }
        int axes = shape.size();
        if (both) {
            need(entry, (axes == 3 || axes == 4) && shape.get(0) == 2, layout, "[2, tokens, kv_heads x head_dim]");
            shape = shape.subList(1, axes);
        } else {
            need(
                    entry,
                    axes == 2 || axes == 3,
                    layout,
                    "[tokens, kv_heads, head_dim] or [tokens, kv_heads x head_dim]");
        }
        if (shape.size() == 3) {
            return checked(entry, dtype, 1, shape.get(0), shape.get(1), shape.get(2), heads, headDim, true);
        }
        long width = shape.get(1);
        if (options.mla() && heads == 0) {
            heads = 1;
        }
        long h = heads > 0 ? heads : headDim > 0 ? width / headDim : 0;
        if (h == 0 || width % h != 0) {
            throw problem(
                    entry,
                    "heads and head_dim are merged into " + width + " values per token"
                            + (h == 0
                                    ? ", and the number of heads is unknown"
                                    : ", which do not divide into " + h + " heads"),
                    "set kv_heads (num_key_value_heads of the model's config.json) under kvscale in the recipe");
        }
        return checked(entry, dtype, 1, shape.get(0), h, width / h, heads, headDim, true);
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
        if (given != null) {
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
        return switch (entry.shape().size()) {
            case 4 -> Layout.BHSD;
            case 2, 3 -> Layout.SHD;
            default ->
                throw problem(entry, "shape " + entry.shape() + " does not fit K or V", "capture [B,H,S,D] or [S,H,D]");
        };
    }

    private static int stated(String key, int given, Map<String, String> metadata) {
        String text = metadata.get(key);
        int inFile = text != null && text.matches("[1-9]\\d{0,6}") ? Integer.parseInt(text) : 0;
        if (given > 0 && inFile > 0 && given != inFile) {
            throw new InvalidDataException(
                    "the recipe says " + key + ": " + given + ", the file's metadata says " + inFile,
                    "correct " + key + " under kvscale in the recipe, or remove it");
        }
        return given > 0 ? given : inFile;
    }

    private static TensorShape checked(
            TensorEntry entry,
            Dtype dtype,
            long batch,
            long tokens,
            long heads,
            long headDim,
            int givenHeads,
            int givenHeadDim,
            boolean tokenMajor) {
        if ((givenHeads > 0 && givenHeads != heads) || (givenHeadDim > 0 && givenHeadDim != headDim)) {
            throw problem(
                    entry,
                    "shape " + entry.shape() + " gives " + heads + " heads of " + headDim + ", expected "
                            + (givenHeads > 0 ? givenHeads : heads) + " of "
                            + (givenHeadDim > 0 ? givenHeadDim : headDim),
                    "correct layout, kv_heads or head_dim under kvscale in the recipe");
        }
        if (batch < 1 || tokens < 1 || heads < 1 || headDim < 1) {
            throw problem(entry, "shape " + entry.shape() + " holds no values", "remove the empty capture");
        }
        if (batch > Integer.MAX_VALUE
                || tokens > Integer.MAX_VALUE
                || heads > Geometry.MAX_CHANNELS
                || headDim > Geometry.MAX_CHANNELS
                || heads * headDim > Geometry.MAX_CHANNELS) {
            throw problem(
                    entry,
                    "shape " + entry.shape() + " is larger than that of any model",
                    "check layout under kvscale in the recipe");
        }
        return new TensorShape(new Geometry(dtype, (int) heads, (int) headDim), (int) batch, (int) tokens, tokenMajor);
    }

    private static void need(TensorEntry entry, boolean fits, Layout layout, String expected) {
        if (!fits) {
            throw problem(
                    entry,
                    "shape " + entry.shape() + " does not fit layout " + layout.word() + ", expected " + expected,
                    "set layout under kvscale in the recipe, or capture in a supported layout");
        }
    }

    private static InvalidDataException problem(TensorEntry entry, String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy).inTensor(entry.name()));
    }
}
