package io.kvscale.job.calibration;

import io.kvscale.job.corpus.read.TextInput;
import org.jspecify.annotations.Nullable;

/**
 * Text, and the model that runs over it.
 *
 * @param model its folder
 * @param captures where K and V are saved, a folder of any file system that Hadoop knows; null for nowhere
 */
public record TextSource(
        String model, TextInput text, @Nullable String captures) {}
