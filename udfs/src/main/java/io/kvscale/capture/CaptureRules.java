package io.kvscale.capture;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.LayerFilter;
import io.kvscale.capture.layout.TensorNames;

/** The options for reading captures, with their patterns compiled. */
record CaptureRules(CaptureOptions options, TensorNames names, LayerFilter layers) {
    CaptureRules(CaptureOptions options) {
        this(options, new TensorNames(options), options.layerFilter());
    }
}
