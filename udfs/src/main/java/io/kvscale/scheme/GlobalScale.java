package io.kvscale.scheme;

import java.util.Locale;

/** Which way round the one scale of a tensor is kept under {@link Strategy#TENSOR_GROUP}: NVFP4 knows two. */
public enum GlobalScale {
    /** {@code 2688 / absmax}, by which local scales are divided: compressed-tensors' {@code global_scale}. */
    COMPRESSED_TENSORS,
    /** {@code absmax / 2688}, by which local scales are multiplied: ModelOpt's, vLLM's and auto-round's. */
    MODELOPT;

    /** The word that recipes use. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
