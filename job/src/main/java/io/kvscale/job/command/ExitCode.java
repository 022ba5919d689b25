package io.kvscale.job.command;

/** What the process returns; schedulers hold on to these numbers. */
public final class ExitCode {
    public static final int DONE = 0;
    /** A bug, or Spark failed. */
    public static final int UNEXPECTED = 1;
    /** Wrong usage; a recipe that is absent or wrong. */
    public static final int USAGE = 2;
    /** Calibration data or statistics that are absent, bad or not enough for the recipe. */
    public static final int DATA = 3;
    /** The output exists or cannot be written. */
    public static final int OUTPUT = 4;
    /** Of {@code compare}: the two files differ. */
    public static final int DIFFERENT = 10;

    private ExitCode() {}
}
