package io.kvscale.quant.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.InsufficientStatisticsException;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.quant.ScaleSet;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.Observers;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.RotaryPairs;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class EnvelopeTest {
    private static final Geometry GEOMETRY = new Geometry(Dtype.F32, 2, 6);
    /** Head 0: pairs 3, 4 and 5, 12, and 7, -1; head 1: 8, 15 and 0, 1, and 2, 0. Four channels are rotated. */
    private static final float[] TOKEN = {3, 5, 4, 12, 7, -1, 8, 0, 15, 1, 2, 0};

    @Test
    void scalesReachTheNorms() {
        SlotStatistics seen = seen(new RotaryPairs(false, 4), TOKEN);
        assertThat(scales(seen, Strategy.CHANNEL, 0)).containsExactly(5, 13, 5, 13, 7, 1, 17, 1, 17, 1, 2, 0x1p-23f);
        assertThat(scales(seen, Strategy.GROUP, 2)).containsExactly(13, 13, 7, 17, 17, 2);
        assertThat(scales(seen, Strategy.GROUP, 3)).containsExactly(13, 13, 17, 2);
        assertThat(scales(seen, Strategy.ATTN_HEAD, 0)).containsExactly(13, 17);
        assertThat(scales(seen, Strategy.TENSOR, 0)).containsExactly(17);
        assertThat(scales(seen(new RotaryPairs(true, 4), 3, 4, 5, 12, 7, -1, 8, 15, 0, 1, 2, 0), Strategy.CHANNEL, 0))
                .containsExactly(5, 5, 13, 13, 7, 1, 17, 17, 1, 1, 2, 0x1p-23f);
    }

    @Test
    void statisticsWithoutNormsAreRefusedWithTheRemedy() {
        assertThatThrownBy(() -> scales(seen(null, TOKEN), Strategy.TENSOR, 0))
                .isInstanceOf(InsufficientStatisticsException.class)
                .hasMessageContaining("observer envelope needs the norms of RoPE pairs, and the statistics hold none")
                .hasMessageContaining("calibrate again with statistics: pairs")
                .hasMessageContaining("config.json");
    }

    @Test
    void normsBeyondFloat32AreRefused() {
        float[] huge = TOKEN.clone();
        huge[0] = Float.MAX_VALUE;
        huge[2] = Float.MAX_VALUE;
        assertThatThrownBy(() -> scales(seen(new RotaryPairs(false, 4), huge), Strategy.TENSOR, 0))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("above the greatest number of float32");
    }

    @Test
    void theSchemeOfATableNamesTheObserver() {
        QuantizationScheme scheme = QuantizationScheme.fp8().with(new Envelope());
        assertThat(KvCacheScheme.parse(KvCacheScheme.fields(scheme))).isEqualTo(scheme);
        assertThat(KvCacheScheme.fields(scheme)).containsEntry("observer", "envelope");
        assertThat(Observers.named("envelope")).isEqualTo(new Envelope());
    }

    /** Of int8, whose scale is absmax / 127.5, times 127.5 again. */
    private static float[] scales(SlotStatistics seen, Strategy strategy, int group) {
        QuantizationScheme scheme =
                new QuantizationScheme(NumberFormat.INT8, strategy, group, true, new Envelope(), ScaleDtype.FLOAT32);
        float[] scales = ScaleSet.derive(seen, scheme).scales();
        for (int i = 0; i < scales.length; i++) {
            scales[i] = scales[i] == 0x1p-23f ? scales[i] : scales[i] * 127.5f;
        }
        return scales;
    }

    private static SlotStatistics seen(@Nullable RotaryPairs pairs, float... token) {
        SlotStatistics seen = new SlotStatistics(GEOMETRY, null, null, pairs);
        ByteBuffer bytes = ByteBuffer.allocate(4 * token.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(token);
        seen.update(new Position(new KvSource("f", 0, null, GEOMETRY, 1, 1, false, null), 0), bytes);
        return seen;
    }
}
