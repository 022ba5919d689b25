package io.kvscale.job.evaluation;

import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A scale table to evaluate.
 *
 * @param name the folder or file as the user gave it
 */
public record NamedScales(String name, ScaleTable table) {
    public NamedScales {
        // An evaluation quantizes the cache; queries are not in it.
        table = table.cached();
    }

    /** The layers of a model that the table has no scales for. */
    List<Integer> missing(int layers) {
        return IntStream.range(0, layers)
                .filter(layer -> !table.slots().containsKey(new Slot(layer, Role.KEY)))
                .boxed()
                .toList();
    }
}
