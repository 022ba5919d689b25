package io.kvscale.spark.functions;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.capture.TensorValues;
import io.kvscale.numeric.Dtype;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.TokenMask;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.BoundReference;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import scala.jdk.javaapi.CollectionConverters;

/** A row that gives its values chunk by chunk counts as one that gives them as an array. */
class TensorValuesTest {
    private static final int SAMPLE = 0;
    private static final int DATA = 1;

    @ParameterizedTest
    @EnumSource(Dtype.class)
    void chunksGiveTheBytesThatTheArrayGives(Dtype dtype) {
        Random random = new Random(dtype.ordinal());
        for (int i = 0; i < 60; i++) {
            Geometry geometry = new Geometry(dtype, 1 + random.nextInt(3), 1 + random.nextInt(9));
            int tokens = random.nextInt(7);
            TokenMask mask = random.nextBoolean() ? mask(random, tokens) : null;
            KvSource source =
                    new KvSource("f.safetensors", 64, "name", geometry, 1, tokens, random.nextBoolean(), mask);
            byte[] values = TensorTable.values(random, dtype, (int) source.size(), true);
            String sample = random.nextBoolean() ? "s" + i : null;
            FakeRow chunked = new FakeRow(sample, source, values, 1 + random.nextInt(30), false);
            TensorStatisticsAggregate aggregate = aggregate(geometry);
            CalibrationStatistics expected =
                    aggregate.update(aggregate.createAggregationBuffer(), plain(sample, source, values));
            CalibrationStatistics actual = aggregate.update(aggregate.createAggregationBuffer(), chunked);
            assertThat(actual.toByteArray()).isEqualTo(expected.toByteArray());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theArrayIsTakenWhereTheArgumentsReadItInAnotherWay(boolean otherColumn) {
        Geometry geometry = new Geometry(Dtype.F32, 2, 2);
        KvSource source = new KvSource("f", 0, null, geometry, 1, 3, false, null);
        byte[] values = TensorTable.values(new Random(1), Dtype.F32, 12, false);
        FakeRow row = new FakeRow("s", source, values, 4, true) {
            @Override
            public boolean isColumn(int ordinal) {
                return !otherColumn && super.isColumn(ordinal);
            }
        };
        TensorStatisticsAggregate aggregate = aggregate(new Geometry(Dtype.F32, 1, 4));
        assertThat(aggregate.update(aggregate.createAggregationBuffer(), row).toByteArray())
                .isEqualTo(aggregate
                        .update(
                                aggregate.createAggregationBuffer(),
                                new GenericInternalRow(new Object[] {UTF8String.fromString("s"), values}))
                        .toByteArray());
    }

    private static TensorStatisticsAggregate aggregate(Geometry geometry) {
        List<Expression> children = new ArrayList<>(List.of(
                Literal$.MODULE$.apply(2L),
                Literal$.MODULE$.apply("key"),
                Literal$.MODULE$.apply(geometry.dtype().name()),
                Literal$.MODULE$.apply((long) geometry.heads()),
                Literal$.MODULE$.apply((long) geometry.headDim()),
                new BoundReference(DATA, DataTypes.BinaryType, true),
                new BoundReference(SAMPLE, DataTypes.StringType, true)));
        return new TensorStatisticsAggregate(
                CollectionConverters.asScala(children).toIndexedSeq(), 0, 0);
    }

    private static TokenMask mask(Random random, int tokens) {
        BitSet real = new BitSet();
        random.ints(tokens).filter(i -> i > 0).forEach(i -> real.set(i % tokens));
        return new TokenMask(1, tokens, real);
    }

    /** The row with its real tokens as one array, [heads, tokens, head_dim]. */
    private static InternalRow plain(@Nullable String sample, KvSource source, byte[] values) {
        int width = source.geometry().dtype().bytes();
        Geometry g = source.geometry();
        ByteArrayOutputStream real = new ByteArrayOutputStream();
        for (int head = 0; head < g.heads(); head++) {
            for (int token = 0; token < source.tokens(); token++) {
                if (source.mask() == null || source.mask().real().get(token)) {
                    int row = source.tokenMajor() ? token * g.heads() + head : head * source.tokens() + token;
                    real.write(values, row * g.headDim() * width, g.headDim() * width);
                }
            }
        }
        return new GenericInternalRow(
                new Object[] {sample == null ? null : UTF8String.fromString(sample), real.toByteArray()});
    }

    /** A row of a source that reads its file late. */
    private static class FakeRow extends GenericInternalRow implements TensorValues {
        private final KvSource source;
        private final byte[] values;
        private final int chunk;
        private final boolean readable;

        FakeRow(@Nullable String sample, KvSource source, byte[] values, int chunk, boolean readable) {
            super(new Object[] {sample == null ? null : UTF8String.fromString(sample), values});
            this.source = source;
            this.values = values;
            this.chunk = chunk;
            this.readable = readable;
        }

        @Override
        public byte[] getBinary(int ordinal) {
            assertThat(readable).as("the array is not asked for").isTrue();
            return values;
        }

        @Override
        public KvSource source() {
            return source;
        }

        @Override
        public boolean isColumn(int ordinal) {
            return ordinal == DATA;
        }

        @Override
        public void forEachChunk(Chunks chunks) {
            assertThat(readable).as("chunks are not asked for").isFalse();
            int width = source.geometry().dtype().bytes();
            for (int element = 0; element < source.size(); element += chunk) {
                int count = (int) Math.min(chunk, source.size() - element);
                chunks.chunk(
                        element,
                        ByteBuffer.wrap(values, element * width, count * width)
                                .slice()
                                .order(ByteOrder.LITTLE_ENDIAN));
            }
        }
    }
}
