package io.kvscale.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.quant.HeldScales;
import io.kvscale.quant.NaiveNvfp4;
import io.kvscale.quant.ScaleSet;
import io.kvscale.quant.search.LastBatch;
import io.kvscale.quant.search.MovingAverage;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The cache against a model of it: a token is quantized when it leaves the residual, by the scales of that moment, value
 * by value as {@link QuantParameters} say, and from then on it never changes by a bit.
 */
class HeldPastTest {
    private static final int CASES = 150;

    @ParameterizedTest
    @EnumSource(NumberFormat.class)
    void aTokenIsExactUntilItLeavesTheResidualAndFixedAfterwards(NumberFormat format) {
        Random random = new Random(format.ordinal());
        for (int i = 0; i < CASES; i++) {
            new Case(random, format).run();
        }
    }

    @ParameterizedTest
    @EnumSource(GlobalScale.class)
    void aTokenOfNvfp4KeepsItsLocalScalesToo(GlobalScale convention) {
        Random random = new Random(convention.ordinal());
        for (int i = 0; i < CASES; i++) {
            new Case(random, QuantizationScheme.nvfp4(convention), 16 * (1 + random.nextInt(4))).run();
        }
    }

    /** One random cache with its model. */
    private static final class Case {
        private final Random random;
        private final QuantizationScheme scheme;
        private final Geometry geometry;
        private final int batch;
        private final int residual;
        private final QuantizedKvCache cache;
        private final Map<Role, Model> models;

        Case(Random random, NumberFormat format) {
            this(random, format, new int[] {1, 2, 4, 6, 16, 24, 64}[random.nextInt(7)]);
        }

        Case(Random random, NumberFormat format, int headDim) {
            this(random, scheme(random, format, headDim), headDim);
        }

        private static QuantizationScheme scheme(Random random, NumberFormat format, int headDim) {
            Strategy strategy = Strategy.values()[random.nextInt(4)];
            return new QuantizationScheme(
                    format,
                    strategy,
                    strategy == Strategy.GROUP ? (headDim % 2 == 0 ? headDim / 2 : 1) : 0,
                    !format.supportsAsymmetric() || random.nextBoolean(),
                    List.of(new StaticMinMax(), new MovingAverage(0.3), new LastBatch())
                            .get(random.nextInt(3)),
                    ScaleDtype.values()[random.nextInt(2)]);
        }

        Case(Random random, QuantizationScheme scheme, int headDim) {
            this.random = random;
            this.scheme = scheme;
            this.geometry = new Geometry(Dtype.values()[random.nextInt(3)], 1 + random.nextInt(3), headDim);
            this.batch = 1 + random.nextInt(2);
            this.residual = random.nextInt(3) == 0 ? 0 : random.nextInt(12);
            this.cache = new QuantizedKvCache(SlotSchemes.of(scheme), residual);
            this.models = Map.of(Role.KEY, new Model(), Role.VALUE, new Model());
        }

        void run() {
            int tokens = 0;
            int updates = 1 + random.nextInt(8);
            for (int u = 0; u < updates; u++) {
                int added = random.nextInt(3) == 0 ? 1 : 1 + random.nextInt(random.nextInt(10) == 0 ? 90 : 9);
                KvTensor key = tensor(added);
                KvTensor value = tensor(added);
                KvPair out = cache.update(key, value, 5);
                tokens += added;
                assertThat(cache.getSeqLength(5)).isEqualTo(tokens);
                check(Role.KEY, key, out.key());
                check(Role.VALUE, value, out.value());
            }
        }

        private void check(Role role, KvTensor added, KvTensor out) {
            Model model = Objects.requireNonNull(models.get(role));
            model.append(added);
            ScaleSet scales = Objects.requireNonNull(cache.scales(new Slot(5, role)));
            for (int t = model.coded; t < model.tokens - residual; t++, model.coded++) {
                if (scheme.strategy() == Strategy.TENSOR_GROUP) {
                    nvfp4(model.bits[t], scales.parameters()[0].scale());
                    continue;
                }
                for (int c = 0; c < model.bits[t].length; c++) {
                    model.bits[t][c] = fakeQuantized(
                            model.bits[t][c], HeldScales.of(scales).ofChannel(c % geometry.channels()));
                }
            }
            assertThat(out.tokens()).isEqualTo(model.tokens);
            assertThat(out.batch()).isEqualTo(batch);
            assertThat(bitsByToken(out))
                    .as("%s %s %s residual %d", role, scheme, geometry, residual)
                    .isEqualTo(Arrays.copyOf(model.bits, model.tokens));
        }

        private void nvfp4(int[] bits, float global) {
            for (int c = 0; c < bits.length; c++) {
                bits[c] = Float.floatToRawIntBits(geometry.dtype().toFloat(bits[c]));
            }
            for (int c = 0; c < bits.length; c += 16) {
                float[] group = new float[16];
                for (int i = 0; i < 16; i++) {
                    group[i] = Float.intBitsToFloat(bits[c + i]);
                }
                float[] out = NaiveNvfp4.fakeQuantized(
                        group, Objects.requireNonNull(scheme.globalScale()), global, geometry.dtype());
                for (int i = 0; i < 16; i++) {
                    bits[c + i] = geometry.dtype().fromFloat(out[i]);
                }
            }
        }

        private int fakeQuantized(int bits, QuantParameters parameters) {
            Dtype step = scheme.scaleDtype().over(geometry.dtype());
            float q = parameters.quantize(geometry.dtype().toFloat(bits), scheme.format(), step);
            return geometry.dtype().fromFloat(parameters.dequantize(q, step));
        }

        /** The patterns of every token: batch x channels of them. */
        private int[][] bitsByToken(KvTensor tensor) {
            int headDim = geometry.headDim();
            int[][] bits = new int[tensor.tokens()][batch * geometry.channels()];
            for (int i = 0; i < tensor.size(); i++) {
                int lane = i / headDim / tensor.tokens();
                bits[i / headDim % tensor.tokens()][lane * headDim + i % headDim] = tensor.bits(i);
            }
            return bits;
        }

        private KvTensor tensor(int tokens) {
            int bytes = geometry.dtype().bytes();
            int count = batch * tokens * geometry.channels();
            boolean direct = random.nextBoolean();
            ByteBuffer values = (direct ? ByteBuffer.allocateDirect(count * bytes) : ByteBuffer.allocate(count * bytes))
                    .order(ByteOrder.LITTLE_ENDIAN);
            // Sometimes the range grows, so that later scales differ; sometimes all is zero.
            float scale = random.nextInt(8) == 0 ? 0 : (float) Math.scalb(1.0, random.nextInt(8) - 4);
            for (int i = 0; i < count; i++) {
                float x = switch (random.nextInt(8)) {
                    case 0 -> -0f;
                    case 1 -> -1e-6f;
                    case 2 -> scale;
                    case 3 -> -scale;
                    default -> (float) random.nextGaussian() * scale;
                };
                int bits = geometry.dtype().fromFloat(x);
                if (bytes == 4) {
                    values.putInt(bits);
                } else {
                    values.putShort((short) bits);
                }
            }
            return new KvTensor(geometry, batch, tokens, values.flip());
        }

        /** What one slot should hold. */
        private final class Model {
            private int[][] bits = new int[0][];
            private int tokens;
            private int coded;

            void append(KvTensor added) {
                int[][] more = bitsByToken(added);
                bits = Arrays.copyOf(bits, tokens + more.length);
                System.arraycopy(more, 0, bits, tokens, more.length);
                tokens += more.length;
            }
        }
    }
}
