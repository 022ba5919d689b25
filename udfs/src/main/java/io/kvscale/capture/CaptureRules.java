package io.kvscale.capture;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.LayerFilter;
import io.kvscale.capture.layout.TensorNames;
import io.kvscale.input.InputFile;
import org.jspecify.annotations.Nullable;

/** The options for reading captures, with their patterns compiled. */
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

    TensorNames.@Nullable Match match(String tensor, InputFile file) {
        return names.match(tensor, file);
    }

    boolean includes(int layer) {
        return layers.includes(layer);
    }
}
