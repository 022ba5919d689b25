package io.kvscale.model.onnx;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The geometry and limits of a decoder, on which its graph and config.json agree.
 *
 * @param vocabulary rows of the embedding
 * @param maxPositions maximum number of tokens of a sequence
 * @param cache the element type of past and present
 */
public record ModelShape(int layers, int kvHeads, int headDim, int vocabulary, int maxPositions, Dtype cache)
        implements Serializable {
    /** The geometry of every slot. */
    public Geometry geometry() {
        return new Geometry(cache, kvHeads, headDim);
    }

    /** All slots, sorted by layer, then role. */
    public List<Slot> slots() {
        return IntStream.range(0, layers)
                .boxed()
                .flatMap(layer -> Stream.of(new Slot(layer, Role.KEY), new Slot(layer, Role.VALUE)))
                .toList();
    }

    /** @throws InvalidDataException if the token id is outside the vocabulary */
    public void checkId(int id) {
        if (id < 0 || id >= vocabulary) {
            throw new InvalidDataException(
                    "token id " + id + " is not within 0.." + (vocabulary - 1) + ", the model's vocabulary",
                    "use the tokenizer that belongs to the model");
        }
    }

    /** Bytes of K and V of one token, over all layers. */
    public long bytesPerToken() {
        return 2L * layers * kvHeads * headDim * cache.bytes();
    }
}
