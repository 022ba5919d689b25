package io.kvscale.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A cache with NVFP4: its memory and its limits. */
class Nvfp4CacheTest {
    private static final Random RANDOM = new Random(4);

    @ParameterizedTest
    @EnumSource(GlobalScale.class)
    void heldBytesAreFourBitsAValueAndALocalScaleForSixteen(GlobalScale convention) {
        QuantizedKvCache cache = new QuantizedKvCache(QuantizationScheme.nvfp4(convention));
        Geometry geometry = new Geometry(Dtype.BF16, 2, 64);
        cache.update(random(geometry, 100), random(geometry, 100), 0);
        long values = 2L * 100 * geometry.channels();
        assertThat(cache.heldBytes()).isBetween(values / 2 + values / 16, values / 2 + values / 16 + 100);
    }

    @Test
    void missingGlobalScaleOrPartialGroupsAreRefusedNamingTheSlot() {
        QuantizedKvCache cache = new QuantizedKvCache(QuantizationScheme.nvfp4(GlobalScale.DIVISOR));
        Geometry partialGroups = new Geometry(Dtype.BF16, 2, 24);
        assertThatThrownBy(() -> cache.update(random(partialGroups, 1), random(partialGroups, 1), 0))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll("group_size 16 does not divide head_dim 24", "layer 0 key");
        Geometry whole = new Geometry(Dtype.BF16, 2, 16);
        KvTensor zeros = new KvTensor(whole, 1, 1, ByteBuffer.allocate(64));
        assertThatThrownBy(() -> cache.update(random(whole, 1), zeros, 3))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll("the range is 0", "layer 3 value");
        assertThat(cache.getSeqLength(3)).isZero();
    }

    private static KvTensor random(Geometry geometry, int tokens) {
        ByteBuffer values =
                ByteBuffer.allocate(2 * tokens * geometry.channels()).order(ByteOrder.LITTLE_ENDIAN);
        while (values.hasRemaining()) {
            values.putShort((short) geometry.dtype().fromFloat((float) RANDOM.nextGaussian()));
        }
        return new KvTensor(geometry, 1, tokens, values.flip());
    }
}
