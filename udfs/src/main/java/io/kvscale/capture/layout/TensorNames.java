package io.kvscale.capture.layout;

import io.kvscale.input.InputFile;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Which layer a tensor belongs to and whether it holds K, V or both: by the recipe's patterns or the default ones. */
public final class TensorNames {
    /** What a tensor holds. */
    public enum Part {
        KEY,
        VALUE,
        BOTH
    }

    /**
     * @param connector whether the layer came from the file's name, as in the folders of vLLM's connectors: then the
     *     sample is the file's folder
     */
    public record Match(int layer, Part part, boolean connector) {}

    /** The default patterns, found anywhere; a name goes on no further, so that k_proj or k_scale are not K. */
    private static final Pattern DEFAULT = Pattern.compile("(?:layers\\.(\\d+)\\.(keys|values)"
            + "|(key_cache|value_cache)\\.(\\d+)"
            + "|(?:present|past_key_values)\\.(\\d+)\\.(key|value)"
            + "|layers\\.(\\d+)\\.self_attn\\.(k|v|k_cache|v_cache))(?![\\w.])");

    private static final Pattern KV_CACHE = Pattern.compile("(?:^|\\.)kv_cache$");
    private static final Pattern LAYER = Pattern.compile("(?:^|[./])layers?\\.(\\d+)(?:\\.|$)");

    private final @Nullable LayerPattern keys;
    private final @Nullable LayerPattern values;
    private final boolean together;
    private final boolean mla;

    public TensorNames(CaptureOptions options) {
        this.keys = options.keyTensors() == null ? null : LayerPattern.compile(options.keyTensors());
        this.values = options.valueTensors() == null ? null : LayerPattern.compile(options.valueTensors());
        this.together = options.layout() == Layout.THD2;
        this.mla = options.mla();
    }

    /**
     * What a tensor of that name is; null if it is neither K nor V.
     *
     * @throws InvalidDataException if the layer is out of range, cannot be told, or both patterns claim the tensor
     */
    @Nullable
    public Match match(String tensor, InputFile file) {
        OptionalInt key = keys == null ? OptionalInt.empty() : keys.layerOf(tensor);
        OptionalInt value = values == null ? OptionalInt.empty() : values.layerOf(tensor);
        if (key.isPresent() && value.isPresent() && !together) {
            throw problem(
                    tensor,
                    "both key.tensors and value.tensors of the recipe match this tensor",
                    "make the patterns tell K from V, or say layout: 2THD");
        }
        if (key.isPresent() || value.isPresent()) {
            Part part = key.isPresent() ? Part.KEY : Part.VALUE;
            return new Match(key.orElseGet(value::getAsInt), together ? Part.BOTH : part, false);
        }
        return keys != null && values != null ? null : byDefault(tensor, file);
    }

    private @Nullable Match byDefault(String tensor, InputFile file) {
        if (KV_CACHE.matcher(tensor).find()) {
            return kvCache(tensor, file);
        }
        Matcher found = DEFAULT.matcher(tensor);
        if (!found.find()) {
            return null;
        }
        String number = first(found, 1, 4, 5, 7);
        boolean isKey = first(found, 2, 3, 6, 8).startsWith("k");
        // A role whose pattern the recipe gives is found by that pattern alone.
        if (isKey ? keys != null : values != null) {
            return null;
        }
        Part part = isKey ? Part.KEY : Part.VALUE;
        return new Match(layer(number, tensor), together ? Part.BOTH : part, false);
    }

    private @Nullable Match kvCache(String tensor, InputFile file) {
        if (keys != null || values != null) {
            return null;
        }
        Part part = mla ? Part.KEY : Part.BOTH;
        Matcher inTensor = LAYER.matcher(tensor);
        if (inTensor.find()) {
            return new Match(layer(inTensor.group(1), tensor), part, false);
        }
        Matcher inFile = LAYER.matcher(file.baseName());
        if (!inFile.find()) {
            throw problem(
                    tensor,
                    "neither this tensor's name nor its file's says the layer",
                    "name the file model.layers.N.self_attn.attn.safetensors, as vLLM's connectors do");
        }
        return new Match(layer(inFile.group(1), tensor), part, true);
    }

    /** Whether a file is named by a layer, as connectors name theirs. */
    public static boolean isConnectorFile(InputFile file) {
        return LAYER.matcher(file.baseName()).find();
    }

    private static String first(Matcher found, int... groups) {
        for (int group : groups) {
            String text = found.group(group);
            if (text != null) {
                return text;
            }
        }
        throw new IllegalStateException("the default pattern matched without its groups");
    }

    private static int layer(String digits, String tensor) {
        int layer = digits.length() > 9 ? Integer.MAX_VALUE : Integer.parseInt(digits);
        if (layer > Slot.MAX_LAYER) {
            throw problem(
                    tensor,
                    "layer " + DataProblem.shown(digits) + " is above " + Slot.MAX_LAYER,
                    "check the tensor's name");
        }
        return layer;
    }

    private static InvalidDataException problem(String tensor, String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy).inTensor(tensor));
    }
}
