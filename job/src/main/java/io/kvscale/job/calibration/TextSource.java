package io.kvscale.job.calibration;

import io.kvscale.job.corpus.read.TextInput;
import org.jspecify.annotations.Nullable;

/**
 * Texts and the model that runs over them.
 *
 * @param model the model's folder
 * @param captures the folder in which K and V are saved, on any Hadoop file system; null to save none
 */
public record TextSource(
        String model, TextInput text, @Nullable String captures) {}
