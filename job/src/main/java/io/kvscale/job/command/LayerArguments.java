package io.kvscale.job.command;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.job.checkpoint.Checkpoint;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say which layers of a model folder are meant. */
final class LayerArguments extends CommandPart {
    private static final Pattern LAYERS = Pattern.compile("(\\d{1,4})(?:-(\\d{1,4}))?");

    @Option(
            names = "--prefix",
            paramLabel = "NAME",
            description = "The attention module of a layer, with {} for its number, such as model.layers.{}.self_attn;"
                    + " or what stands before .layers.{}.self_attn. Default: found in the model.")
    private @Nullable String prefix;

    @Option(
            names = "--skip-layers",
            paramLabel = "N|N-M",
            split = ",",
            description = "The layers that the engine keeps in 16 bits, separated by commas.")
    private List<String> skipLayers = new ArrayList<>();

    /** The attention modules of a checkpoint. */
    AttentionNames names(Checkpoint checkpoint) {
        return prefix == null ? AttentionNames.of(checkpoint) : AttentionNames.of(checkpoint, prefix);
    }

    /** The attention modules without a checkpoint. */
    AttentionNames names() {
        return prefix == null ? AttentionNames.PLAIN : AttentionNames.named(prefix);
    }

    /** The layers of {@code --skip-layers}. */
    SortedSet<Integer> skipped() {
        SortedSet<Integer> layers = new TreeSet<>();
        for (String part : skipLayers) {
            Matcher range = LAYERS.matcher(part.strip());
            int first = range.matches() ? Integer.parseInt(range.group(1)) : -1;
            int last = first < 0 || range.group(2) == null ? first : Integer.parseInt(range.group(2));
            if (first < 0 || last < first || last > Slot.MAX_LAYER) {
                throw error("--skip-layers: '" + DataProblem.shown(part)
                        + "' is neither the number of a layer nor a range such as 0-3");
            }
            for (int layer = first; layer <= last; layer++) {
                layers.add(layer);
            }
        }
        return layers;
    }
}
