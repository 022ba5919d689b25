package io.kvscale.job.drift;

import io.kvscale.observer.CalibrationStatistics;

/** Statistics, and the file that errors name. */
public record NamedStatistics(String file, CalibrationStatistics content) {}
