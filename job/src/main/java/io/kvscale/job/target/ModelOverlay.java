package io.kvscale.job.target;

import java.util.List;

/**
 * What a target adds to a model folder.
 *
 * @param tensors the scales, in the order of the file that holds them
 * @param config edits of {@code config.json}
 * @param quantConfig edits of {@code hf_quant_config.json}, which is created if it is missing
 */
public record ModelOverlay(List<ScaleTensor> tensors, List<JsonEdit> config, List<JsonEdit> quantConfig) {}
