package io.kvscale.job.checkpoint;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Finds the attention modules of a checkpoint's decoder by the names of its weights. Multimodal models have other parts
 * with attention, such as a vision tower, whose layers have numbers too.
 */
final class AttentionFinder {
    /** The modules whose output is K, alone or beside Q and V, in the families that vLLM and SGLang serve. */
    private static final Set<String> KEYS = Set.of(
            "k_proj",
            "qkv_proj",
            "query_key_value",
            "c_attn",
            "Wqkv",
            "wqkv",
            "W_pack",
            "kv_proj",
            "kv_a_proj_with_mqa");

    private static final Pattern WEIGHT = Pattern.compile("q?weight\\w*|W_q");
    /** Parameters of linear attention, whose state is no KV cache. */
    private static final List<String> LINEAR_ATTENTION = List.of(".A_log", ".dt_bias", ".slope_rate");

    private static final Pattern NUMBER =
            Pattern.compile("\\d{1," + String.valueOf(Slot.MAX_LAYER).length() + "}");

    /** The words of parts that are not the decoder: towers of other modalities, and heads that predict further tokens. */
    private static final Pattern OTHER_PART = Pattern.compile(
            ".*(vision|visual|image|audio|speech|sound|video).*|(vit|mtp|talker|code2wav|token2wav|draft|eagle).*");

    private static final Pattern CROSS = Pattern.compile(".*(cross|encoder_attn|encdec).*", Pattern.CASE_INSENSITIVE);

    private static final int MAX_LISTED = 8;

    private final Checkpoint checkpoint;
    private final int layers;

    AttentionFinder(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
        this.layers = checkpoint.layers().orElse(Slot.MAX_LAYER + 1);
    }

    /** As {@link AttentionNames#of(Checkpoint)}. */
    AttentionNames decoder() {
        List<AttentionNames> all = groups();
        if (all.isEmpty()) {
            throw new InvalidDataException(DataProblem.of(
                            "the checkpoint has no attention weights of numbered layers, such as"
                                    + " model.layers.0.self_attn.k_proj.weight",
                            "name the folder of a decoder's weights; give the module of a layer with --prefix if its"
                                    + " weights have other names")
                    .inFile(checkpoint.name()));
        }
        List<AttentionNames> found = narrowed(all, group -> !isOtherPart(group));
        found = narrowed(found, group -> !CROSS.matcher(group.suffix()).matches());
        found = narrowed(
                found,
                group -> !group.prefix().contains("encoder.") || group.prefix().contains("decoder."));
        found = joined(found);
        found = narrowed(found, group -> group.layers().size() == layers);
        if (found.size() > 1) {
            throw new InvalidDataException(DataProblem.of(
                            "several parts of the model have attention layers: " + listed(found),
                            "name the decoder's with --prefix, for example --prefix "
                                    + DataProblem.shown(found.get(0).pattern()))
                    .inFile(checkpoint.name()));
        }
        return found.get(0);
    }

    /** As {@link AttentionNames#of(Checkpoint, String)}. */
    AttentionNames named(AttentionNames names) {
        List<AttentionNames> all = groups();
        return all.stream()
                .filter(group -> group.pattern().equals(names.pattern()))
                .findFirst()
                .orElseThrow(() -> new InvalidDataException(DataProblem.of(
                                "the checkpoint has no attention weights below " + DataProblem.shown(names.pattern())
                                        + (all.isEmpty() ? "" : "; it has " + listed(all)),
                                "correct --prefix; {} stands for the number of a layer")
                        .inFile(checkpoint.name())));
    }

    /** Those that fit, or all of them if none does. */
    private static List<AttentionNames> narrowed(List<AttentionNames> groups, Predicate<AttentionNames> fits) {
        List<AttentionNames> fitting = groups.stream().filter(fits).toList();
        return fitting.isEmpty() ? groups : fitting;
    }

    private static boolean isOtherPart(AttentionNames group) {
        for (String segment : group.prefix().toLowerCase(Locale.ROOT).split("\\.")) {
            if (OTHER_PART.matcher(segment).matches()) {
                return true;
            }
        }
        return false;
    }

    /** The groups of layers with attention weights that have the same names but for the number. */
    private List<AttentionNames> groups() {
        SortedMap<String, AttentionNames> groups = new TreeMap<>();
        for (String tensor : checkpoint.tensors().keySet()) {
            String[] segments = tensor.split("\\.", -1);
            int count = segments.length - 2;
            if (count < 1
                    || !KEYS.contains(segments[count])
                    || !WEIGHT.matcher(segments[count + 1]).matches()) {
                continue;
            }
            String module = String.join(".", Arrays.copyOf(segments, count));
            int number = lastNumber(segments, count);
            if (number < 0 || Integer.parseInt(segments[number]) >= layers || isLinear(module)) {
                continue;
            }
            String before = String.join(".", Arrays.copyOf(segments, number));
            String prefix = number == 0 ? "" : before + ".";
            String suffix = module.substring(prefix.length() + segments[number].length());
            groups.computeIfAbsent(prefix + "{}" + suffix, any -> new AttentionNames(prefix, suffix, new TreeMap<>()))
                    .layers()
                    .put(Integer.parseInt(segments[number]), module);
        }
        return List.copyOf(groups.values());
    }

    private static int lastNumber(String[] segments, int count) {
        for (int i = count - 1; i >= 0; i--) {
            if (NUMBER.matcher(segments[i]).matches()) {
                return i;
            }
        }
        return -1;
    }

    private boolean isLinear(String module) {
        return LINEAR_ATTENTION.stream()
                .anyMatch(parameter -> checkpoint.tensors().containsKey(module + parameter));
    }

    /** Joins the modules of one decoder that have several names, as {@code self_attn} in some layers and {@code mixer}. */
    private static List<AttentionNames> joined(List<AttentionNames> groups) {
        List<AttentionNames> joined = new ArrayList<>();
        for (AttentionNames group : groups) {
            Optional<AttentionNames> same = joined.stream()
                    .filter(other -> other.prefix().equals(group.prefix())
                            && Collections.disjoint(
                                    other.layers().keySet(), group.layers().keySet()))
                    .findFirst();
            if (same.isPresent()) {
                same.get().layers().putAll(group.layers());
            } else {
                joined.add(group);
            }
        }
        return joined;
    }

    private static String listed(List<AttentionNames> groups) {
        return groups.stream()
                .limit(MAX_LISTED)
                .map(group -> DataProblem.shown(group.pattern()) + " ("
                        + group.layers().size() + " layers)")
                .collect(Collectors.joining(", "));
    }
}
