package io.kvscale.model.onnx;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;

/** The newest versions that the ONNX Runtime of this project takes; it refuses a later one when it loads the graph. */
final class OnnxVersions {
    static final int IR = 13;
    static final int OPERATORS = 26;

    private OnnxVersions() {}

    /**
     * @param ir of the file's format
     * @param operators of ONNX's own operator set
     */
    static void check(long ir, long operators, String file) {
        check("the model is of ONNX's IR version " + ir, ir, IR, file);
        check("the model is of ONNX's operator set " + operators, operators, OPERATORS, file);
    }

    private static void check(String what, long found, int most, String file) {
        if (found > most) {
            throw new InvalidDataException(DataProblem.of(
                            what + ", ONNX Runtime 1.28 takes " + most + " at most",
                            "export it again for an older one (optimum-cli export onnx --opset 18)")
                    .inFile(file));
        }
    }
}
