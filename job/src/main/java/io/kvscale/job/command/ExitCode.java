package io.kvscale.job.command;

/** The exit codes of the process. Schedulers depend on these numbers. */
public final class ExitCode {
    public static final int DONE = 0;
    /** Unexpected failure: a bug, or Spark failed. */
    public static final int UNEXPECTED = 1;
    /** Wrong usage, or a recipe that is absent or wrong. */
    public static final int USAGE = 2;
    /** Calibration data or statistics that are absent, bad or insufficient for the recipe. */
    public static final int DATA = 3;
    /** The output folder exists or cannot be written. */
    public static final int OUTPUT = 4;
    /** {@code compare}, {@code check}: the two results differ. */
    public static final int DIFFERENT = 10;
    /** {@code drift}: a limit is exceeded. */
    public static final int DRIFTED = 11;

    private ExitCode() {}
}
