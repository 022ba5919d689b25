package io.kvscale.model.onnx.file;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;

/** The newest versions that ONNX Runtime 1.28 loads. */
final class OnnxVersions {
    static final int IR = 13;
    static final int OPERATORS = 26;

    private OnnxVersions() {}

    /**
     * @param ir the IR version of the file
     * @param operators the version of the standard operator set
     */
    static void check(long ir, long operators, String file) {
        check("the model has ONNX IR version " + ir, ir, IR, file);
        check("the model has ONNX operator set " + operators, operators, OPERATORS, file);
    }

    private static void check(String what, long found, int most, String file) {
        if (found > most) {
            throw new InvalidDataException(DataProblem.of(
                            what + ", ONNX Runtime 1.28 loads at most " + most,
                            "export the model again for an older version (optimum-cli export onnx --opset 18)")
                    .inFile(file));
        }
    }
}
