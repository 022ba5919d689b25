package io.kvscale.capture;

import io.kvscale.capture.layout.SampleNames;
import io.kvscale.input.InputFile;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.EOFException;
import java.io.IOException;

/** What went wrong while a capture was read, with the file's name and a sample. */
public final class FileProblem {
    private FileProblem() {}

    /** What the file's content has against it. */
    public static InvalidDataException of(InputFile file, InvalidDataException found) {
        DataProblem problem = found.problem().inFile(file.name());
        return new InvalidDataException(
                problem.sample() == null ? problem.inSample(SampleNames.of(file)) : problem, found);
    }

    /** A read that failed; stays the cause, for it may be worth another try. */
    public static InvalidDataException of(InputFile file, IOException failure) {
        String what = failure instanceof EOFException
                ? "the file is shorter than the " + file.length() + " bytes it was listed with"
                : "the file cannot be read: " + failure;
        return new InvalidDataException(
                DataProblem.of(what, "check the file, and that nothing writes to it while it is read")
                        .inFile(file.name())
                        .inSample(SampleNames.of(file)),
                failure);
    }
}
