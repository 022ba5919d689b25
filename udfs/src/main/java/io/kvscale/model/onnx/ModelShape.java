package io.kvscale.model.onnx;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a decoder's graph and config.json agree on.
 *
 * @param cache the element type of past and present
 * @param maxPositions the most tokens of one sequence
 */
public record ModelShape(int layers, int kvHeads, int headDim, int vocabulary, int maxPositions, Dtype cache)
        implements Serializable {
    /** Of K and of V of every layer. */
    public Geometry geometry() {
        return new Geometry(cache, kvHeads, headDim);
    }

    /** All of them, by layer, then role. */
    public List<Slot> slots() {
        return IntStream.range(0, layers)
                .boxed()
                .flatMap(layer -> Stream.of(new Slot(layer, Role.KEY), new Slot(layer, Role.VALUE)))
                .toList();
    }

    /** @throws InvalidDataException if that is no token of the model's */
    public void checkId(int id) {
        if (id < 0 || id >= vocabulary) {
            throw new InvalidDataException(DataProblem.of(
                    "token id " + id + " is not within 0.." + (vocabulary - 1) + ", the model's vocabulary",
                    "use the tokenizer that belongs to the model"));
        }
    }

    /** Bytes of K and V that one token takes over all layers. */
    public long bytesPerToken() {
        return 2L * layers * kvHeads * headDim * cache.bytes();
    }
}
