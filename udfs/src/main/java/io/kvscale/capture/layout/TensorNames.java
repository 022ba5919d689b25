package io.kvscale.capture.layout;

import io.kvscale.input.InputFile;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Decides by a tensor's name, with the recipe's patterns or the defaults, its layer and whether it holds K, V, both or Q. */
public final class TensorNames {
    public enum Part {
        KEY(Role.KEY),
        VALUE(Role.VALUE),
        QUERY(Role.QUERY),
        BOTH(Role.KEY, Role.VALUE);

        private final List<Role> roles;

        Part(Role... roles) {
            this.roles = List.of(roles);
        }

        /** The part that holds a role alone. */
        static Part of(Role role) {
            return switch (role) {
                case KEY -> KEY;
                case VALUE -> VALUE;
                case QUERY -> QUERY;
            };
        }

        public List<Role> roles() {
            return roles;
        }
    }

    /** @param connector whether the layer comes from the file's name, as vLLM connectors write it; the folder is the sample */
    public record Match(int layer, Part part, boolean connector) {}

    /** The default patterns. They match anywhere but must end the name, so that k_proj and k_scale are not K. */
    private static final Pattern DEFAULT = Pattern.compile("(?:layers\\.(\\d+)\\.(keys|values|queries)"
            + "|(key_cache|value_cache|query_cache)\\.(\\d+)"
            + "|(?:present|past_key_values)\\.(\\d+)\\.(key|value)"
            + "|layers\\.(\\d+)\\.self_attn\\.(k|v|q|k_cache|v_cache))(?![\\w.])");

    static final String NO_VALUES = "mla is true, which means that there is no V, but here is V of a layer";

    private static final Pattern KV_CACHE = Pattern.compile("(?:^|\\.)kv_cache$");
    private static final Pattern LAYER = Pattern.compile("(?:^|[./])layers?\\.(\\d+)(?:\\.|$)");

    private final @Nullable LayerPattern keys;
    private final @Nullable LayerPattern values;
    private final @Nullable LayerPattern queries;
    private final boolean readsQueries;
    private final boolean together;
    private final boolean mla;
    private final boolean noValues;

    public TensorNames(CaptureOptions options) {
        this.keys = compiled(options.keyTensors());
        this.values = compiled(options.valueTensors());
        this.readsQueries = options.queries() != null;
        this.queries =
                options.queries() == null ? null : compiled(options.queries().tensors());
        this.together = options.layout() == Layout.THD2;
        this.mla = options.mla();
        this.noValues = options.deniesValues();
    }

    private static @Nullable LayerPattern compiled(@Nullable String regex) {
        return regex == null ? null : LayerPattern.compile(regex);
    }

    /** The name of a slot's tensor as this project writes it: {@code layers.N.keys}, {@code values} or {@code queries}. */
    public static String of(Slot slot) {
        return "layers." + slot.layer()
                + switch (slot.role()) {
                    case KEY -> ".keys";
                    case VALUE -> ".values";
                    case QUERY -> ".queries";
                };
    }

    /** The maximum number of steps that the recipe's patterns take on a name: its characters times their instructions. */
    public long steps(String tensor) {
        int instructions = 0;
        for (LayerPattern pattern : Arrays.asList(keys, values, queries)) {
            instructions += pattern == null ? 0 : pattern.size();
        }
        return (long) tensor.length() * instructions;
    }

    /**
     * The layer and part of a tensor with this name; null if it is neither K nor V, nor Q if queries are read.
     *
     * @throws InvalidDataException if the layer is unknown or out of range, or if two patterns match
     */
    @Nullable
    public Match match(String tensor, InputFile file) {
        Match match = find(tensor, file);
        if (match != null && match.part == Part.VALUE && noValues) {
            throw problem(tensor, NO_VALUES, "remove mla, or capture one latent tensor per layer");
        }
        return match;
    }

    private @Nullable Match find(String tensor, InputFile file) {
        OptionalInt key = keys == null ? OptionalInt.empty() : keys.layerOf(tensor);
        OptionalInt value = values == null ? OptionalInt.empty() : values.layerOf(tensor);
        OptionalInt query = queries == null ? OptionalInt.empty() : queries.layerOf(tensor);
        if (query.isPresent()) {
            if (key.isPresent() || value.isPresent()) {
                throw problem(
                        tensor,
                        "both query.tensors and " + (key.isPresent() ? "key" : "value")
                                + ".tensors of the recipe match this tensor",
                        "let each pattern match only Q, only K or only V");
            }
            return new Match(query.getAsInt(), Part.QUERY, false);
        }
        if (key.isPresent() && value.isPresent() && !together) {
            throw problem(
                    tensor,
                    "both key.tensors and value.tensors of the recipe match this tensor",
                    "let each pattern match only K or only V, or set layout: 2THD if the tensor holds both");
        }
        if (key.isPresent() || value.isPresent()) {
            Part part = key.isPresent() ? Part.KEY : Part.VALUE;
            return new Match(key.orElseGet(value::getAsInt), together ? Part.BOTH : part, false);
        }
        boolean queriesByDefault = readsQueries && queries == null;
        return keys != null && values != null && !queriesByDefault ? null : byDefault(tensor, file);
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
        Part part = Part.of(Role.named(first(found, 2, 3, 6, 8).substring(0, 1)).orElseThrow());
        // If the recipe has a pattern for a role, the default pattern does not apply to that role.
        boolean applies = switch (part) {
            case KEY -> keys == null;
            case QUERY -> readsQueries && queries == null;
            default -> values == null;
        };
        if (!applies) {
            return null;
        }
        return new Match(layer(number, tensor), together && part != Part.QUERY ? Part.BOTH : part, false);
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
                    "neither the name of this tensor nor that of its file contains the layer number",
                    "name the file model.layers.N.self_attn.attn.safetensors, as vLLM's connectors do");
        }
        return new Match(layer(inFile.group(1), tensor), part, true);
    }

    /** Whether a file's name contains a layer number, as vLLM connectors write it. */
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
