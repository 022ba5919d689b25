package io.kvscale.capture;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.LayerFilter;
import io.kvscale.capture.layout.TensorNames;
import io.kvscale.safetensors.HeaderReader;

/** The options for reading captures, with their patterns compiled, and what one file teaches for the next. */
record CaptureRules(CaptureOptions options, KnownNames names, LayerFilter layers, HeaderReader headers) {
    CaptureRules(CaptureOptions options) {
        this(options, new KnownNames(new TensorNames(options)), options.layerFilter(), new HeaderReader());
    }
}
