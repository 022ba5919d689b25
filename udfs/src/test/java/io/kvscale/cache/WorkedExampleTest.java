package io.kvscale.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.numeric.Dtype;
import io.kvscale.quant.ScaleSet;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/** The worked example of {@code udfs/docs/library.md}, which shows the lines between the two marks. */
class WorkedExampleTest {
    @Test
    void cacheReturnsOldTokensQuantizedAndTheNewestAsTheyWere() {
        // example: begin
        // Two KV heads of two channels, one token at a time: [batch 1, heads 2, tokens 1, head_dim 2] in F32.
        Geometry geometry = new Geometry(Dtype.F32, 2, 2);
        QuantizedKvCache cache = new QuantizedKvCache(SlotSchemes.of(QuantizationScheme.fp8()), 1);

        cache.update(tensor(geometry, 448, 1.03f, 3, 4), tensor(geometry, 1, 2, 3, 4), 0);
        KvPair past = cache.update(tensor(geometry, 5, 6, 7, 8), tensor(geometry, 5, 6, 7, 8), 0);

        // The first token comes back quantized with a scale of 448 / 448 = 1; the newest one as it was given.
        float first = past.key().value(1); // 1.0: the fp8 value nearest to 1.03
        float newest = past.key().value(3); // 6.0: in full precision
        ScaleSet scales = cache.scales(new Slot(0, Role.KEY));

        cache.resetStates(); // between samples: drops the tokens, keeps the statistics
        int tokens = cache.getSeqLength(0); // 0
        // example: end
        assertThat(first).isEqualTo(1f);
        assertThat(newest).isEqualTo(6f);
        assertThat(scales).isNotNull();
        assertThat(tokens).isZero();
        assertThat(cache.statistics()).hasSize(2);
    }

    private static KvTensor tensor(Geometry geometry, float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putFloat(value);
        }
        return new KvTensor(geometry, 1, 1, bytes.flip());
    }
}
