package io.kvscale.model.onnx;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Weights of a graph: an initializer or a tensor in an attribute.
 *
 * @param location the file that holds the values, below the model's folder; null where the graph's own file does
 * @param offset within that file
 * @param length in bytes; -1 where it is left to type and dims
 */
public record OnnxTensorEntry(
        String name,
        int elementType,
        List<Long> dims,
        @Nullable String location,
        long offset,
        long length) {}
