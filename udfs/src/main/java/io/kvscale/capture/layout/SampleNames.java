package io.kvscale.capture.layout;

import io.kvscale.input.InputFile;
import io.kvscale.tensor.Sample;

/**
 * How files name samples: a safetensors file is a sample by its own name, a connector's file by its folder's, and the rows
 * of a table name their own.
 */
public final class SampleNames {
    private SampleNames() {}

    /** The sample that errors about the whole file name. */
    public static Sample of(InputFile file) {
        return new Sample(TensorNames.isConnectorFile(file) ? file.folder() : file.stem(), Sample.WHOLE);
    }

    /** Whether the file is named like an Arrow table, whose rows name their samples. Only its content decides what it is. */
    public static boolean isTable(InputFile file) {
        return isNamed(file, InputFormat.ARROW);
    }

    /** Whether a sample up to {@code name}, in the order of samples, may be in the file. */
    public static boolean mayHoldUpTo(InputFile file, String name) {
        return !isNamed(file, InputFormat.SAFETENSORS)
                || Sample.compareUtf8(file.stem(), name) <= 0
                || Sample.compareUtf8(file.folder(), name) <= 0;
    }

    /** Whether the file is a safetensors file by its name, so that its samples are named by the file. */
    public static boolean areOfFile(InputFile file) {
        return isNamed(file, InputFormat.SAFETENSORS);
    }

    private static boolean isNamed(InputFile file, InputFormat format) {
        return InputFormat.ofFile(file.name()).filter(format::equals).isPresent();
    }
}
