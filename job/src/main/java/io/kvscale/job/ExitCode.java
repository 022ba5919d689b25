package io.kvscale.job;

/** What the process returns; schedulers hold on to these numbers. */
final class ExitCode {
    static final int DONE = 0;
    /** A bug, or Spark failed. */
    static final int UNEXPECTED = 1;
    /** Wrong usage; a recipe that is absent or wrong. */
    static final int USAGE = 2;
    /** Calibration data or statistics that are absent, bad or not enough for the recipe. */
    static final int DATA = 3;
    /** The output exists or cannot be written. */
    static final int OUTPUT = 4;
    /** Of {@code compare}: the two files differ. */
    static final int DIFFERENT = 10;

    private ExitCode() {}
}
