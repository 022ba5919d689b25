package io.kvscale.capture;

import io.kvscale.capture.layout.TensorNames;
import io.kvscale.input.InputFile;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What tensor names mean, remembered from file to file: patterns take longer than all other fields of a header. */
final class KnownNames {
    /** Bounds memory if no name comes twice. */
    private static final int MAX_NAMES = 10_000;

    private final TensorNames names;
    private final Map<String, Optional<TensorNames.Match>> known = new HashMap<>();

    KnownNames(TensorNames names) {
        this.names = names;
    }

    /** {@link TensorNames#match}; the budget is taken for names that are not known. */
    TensorNames.@Nullable Match match(String tensor, InputFile file, PatternBudget budget) {
        Optional<TensorNames.Match> earlier = known.get(tensor);
        if (earlier != null) {
            return earlier.orElse(null);
        }
        budget.take(names, tensor);
        TensorNames.Match match = names.match(tensor, file);
        // A connector's file says the layer by its own name.
        if (known.size() < MAX_NAMES && (match == null || !match.connector())) {
            known.put(tensor, Optional.ofNullable(match));
        }
        return match;
    }
}
