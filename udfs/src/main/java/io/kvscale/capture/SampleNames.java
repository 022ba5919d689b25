package io.kvscale.capture;

import io.kvscale.capture.layout.TensorNames;
import io.kvscale.input.InputFile;
import io.kvscale.tensor.Sample;
import java.util.function.Predicate;

/**
 * The samples that a file may hold, by its name alone. A safetensors file holds the sample of its own name, or of its
 * folder if a vLLM connector wrote it. The rows of a table name their samples.
 */
public final class SampleNames {
    private SampleNames() {}

    /** The sample to name in errors about the whole file. */
    static Sample of(InputFile file) {
        return new Sample(TensorNames.isConnectorFile(file) ? file.folder() : file.stem(), Sample.WHOLE);
    }

    /** False only if the file's name shows that it holds no wanted sample. */
    public static boolean mayHold(InputFile file, Predicate<String> wanted) {
        return CaptureFormats.ofFile(file.name())
                        .filter(CaptureFormat::fileNamesSample)
                        .isEmpty()
                || wanted.test(file.stem())
                || (TensorNames.isConnectorFile(file) && wanted.test(file.folder()));
    }
}
