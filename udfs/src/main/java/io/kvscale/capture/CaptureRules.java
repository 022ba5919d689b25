package io.kvscale.capture;

import org.jspecify.annotations.Nullable;

/** The options about reading, with their patterns compiled: once a task. */
final class CaptureRules {
    private final CaptureOptions options;
    private final TensorNames names;
    private final LayerFilter layers;

    CaptureRules(CaptureOptions options) {
        this.options = options;
        this.names = new TensorNames(options);
        this.layers = options.layerFilter();
    }

    CaptureOptions options() {
        return options;
    }

    TensorNames.@Nullable Match match(String tensor, CaptureFile file) {
        return names.match(tensor, file);
    }

    boolean includes(int layer) {
        return layers.includes(layer);
    }
}
