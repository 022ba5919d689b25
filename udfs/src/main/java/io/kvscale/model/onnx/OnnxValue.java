package io.kvscale.model.onnx;

import java.util.List;

/**
 * An input or output that a graph declares.
 *
 * @param elementType of ONNX's TensorProto.DataType; 0 where none is declared
 * @param dims {@link #FREE} where the size is free
 * @param tagAt where its field begins in the file
 */
public record OnnxValue(String name, int elementType, List<Long> dims, long tagAt) {
    static final long FREE = -1;
}
