package io.kvscale.capture;

import io.kvscale.input.InputFile;
import io.kvscale.input.ReadFailure;
import io.kvscale.input.UnusableFileException;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.EOFException;
import java.io.IOException;

/** Errors about a capture, with the file's name and a sample. */
final class FileProblem {
    private FileProblem() {}

    /** Adds the file, and a sample if there is none, to an error about the file's content. */
    static InvalidDataException of(InputFile file, InvalidDataException found) {
        DataProblem problem = found.problem().inFile(file.name());
        if (problem.sample() == null) {
            problem = problem.inSample(SampleNames.of(file));
        }
        return problem.equals(found.problem()) ? found : new InvalidDataException(problem, found);
    }

    /** The error of a read that failed. The failure stays the cause, because the read may be worth another attempt. */
    static InvalidDataException of(InputFile file, IOException failure) {
        if (failure instanceof UnusableFileException unusable) {
            return of(file, new InvalidDataException(unusable.problem()));
        }
        String what = failure instanceof EOFException
                ? "the file is shorter than the " + file.length() + " bytes that the listing found"
                : "the file cannot be read: " + ReadFailure.reason(failure);
        return new InvalidDataException(
                DataProblem.of(what, file.remedy()).inFile(file.name()).inSample(SampleNames.of(file)), failure);
    }
}
