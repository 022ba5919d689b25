package io.kvscale.job.calibration;

import io.kvscale.input.InputFile;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who ran a calibration over what: facts that vary between runs with equal results.
 *
 * @param applicationId of Spark
 * @param applicationName of Spark
 * @param user who started Spark
 * @param files the files that were read; empty if Spark read them as a table
 * @param modelSha256 identifies the model that computed K and V; null for captures and tables
 * @param readLimitRatio share of the tasks' time that reads took; null for texts and tables
 */
public record RunFacts(
        String applicationId,
        String applicationName,
        String user,
        List<InputFile> files,
        @Nullable String modelSha256,
        @Nullable Double readLimitRatio) {}
