/** Mergeable statistics of a corpus and of its slots, and their file format. Start with {@link CalibrationStatistics}. */
@org.jspecify.annotations.NullMarked
package io.kvscale.observer;
