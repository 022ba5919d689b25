package io.kvscale.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/** The example that the guide of the library shows: exactly the lines between the two marks. */
class WorkedExampleTest {
    @Test
    void theExampleRuns() {
        // example: begin
        // INT8 with one scale per attention head; the newest token stays in full precision.
        QuantizationScheme int8 = QuantizationScheme.of(NumberFormat.INT8, Strategy.ATTN_HEAD);
        QuantizedKvCache cache = new QuantizedKvCache(SlotSchemes.of(int8), 1);

        // K and V of three new tokens: [batch 1, kv_heads 2, tokens 3, head_dim 4], little-endian f32.
        Geometry geometry = new Geometry(Dtype.F32, 2, 4);
        ByteBuffer k = ByteBuffer.allocate(2 * 3 * 4 * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer v = ByteBuffer.allocate(2 * 3 * 4 * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 2 * 3 * 4; i++) {
            k.putFloat(i / 10f);
            v.putFloat(-i / 20f);
        }
        KvTensor key = new KvTensor(geometry, 1, 3, k.flip());
        KvTensor value = new KvTensor(geometry, 1, 3, v.flip());

        // Append them to layer 0: the result is the whole sequence, as attention would read it.
        KvPair sequence = cache.update(key, value, 0);
        float exact = key.value(1); // 0.1
        float quantized = sequence.key().value(1); // 0.0992..., the nearest multiple of the head's scale

        // The scales of K in layer 0, one for each head: 2 x max|x| / 255.
        float[] scales = cache.scales(new Slot(0, Role.KEY)).scales();
        int tokens = cache.getSeqLength(0); // 3

        cache.resetStates(); // drops the tokens and keeps the statistics, as between two prompts
        // example: end
        assertThat(exact).isEqualTo(0.1f);
        assertThat(scales).containsExactly(2 * 1.1f / 255, 2 * 2.3f / 255);
        assertThat(quantized)
                .isEqualTo(Math.round(0.1f / scales[0]) * scales[0])
                .isNotEqualTo(exact);
        assertThat(sequence.key().value(8)).isEqualTo(key.value(8)); // the newest token of the first head
        assertThat(tokens).isEqualTo(3);
        assertThat(cache.getSeqLength(0)).isZero();
        assertThat(cache.scales(new Slot(0, Role.KEY)).scales()).isEqualTo(scales);
    }
}
