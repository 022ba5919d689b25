package io.kvscale.observer;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.histogram.SlotCounts;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes {@link StatisticsFormat}. */
final class StatisticsWriter {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    static byte[] write(CalibrationStatistics statistics) {
        List<SlotStatistics> all = new ArrayList<>(statistics.slots().values());
        boolean batches = all.stream().anyMatch(s -> s.batches != null);
        boolean histograms = all.stream().anyMatch(SlotStatistics::hasCounts);
        StatisticsWriter file = new StatisticsWriter();
        file.out.writeBytes(StatisticsFormat.MAGIC);
        file.unsigned(2, histograms ? StatisticsFormat.since(StatisticsFormat.HISTOGRAMS) : 1);
        file.unsigned(2, 3 + (batches ? 1 : 0) + (histograms ? 1 : 0));
        file.section(StatisticsFormat.CORPUS, corpus(statistics.corpus()));
        file.section(StatisticsFormat.SLOTS, slots(statistics));
        file.section(StatisticsFormat.RANGES, ranges(all));
        if (batches) {
            file.section(StatisticsFormat.BATCHES, batches(all));
        }
        if (histograms) {
            file.section(StatisticsFormat.HISTOGRAMS, histograms(all));
        }
        byte[] bytes = file.out.toByteArray();
        file.out.writeBytes(StatisticsFormat.checksum(bytes, bytes.length));
        return file.out.toByteArray();
    }

    private void section(String name, StatisticsWriter payload) {
        unsigned(1, name.length());
        out.writeBytes(name.getBytes(StandardCharsets.US_ASCII));
        unsigned(2, StatisticsFormat.since(name));
        unsigned(8, payload.out.size());
        out.writeBytes(payload.out.toByteArray());
    }

    private static StatisticsWriter corpus(Corpus corpus) {
        StatisticsWriter to = new StatisticsWriter();
        BigInteger number = corpus.fingerprint();
        for (int i = Corpus.FINGERPRINT_BYTES - 1; i >= 0; i--) {
            to.out.write(number.shiftRight(8 * i).intValue());
        }
        to.unsigned(8, corpus.files());
        return to;
    }

    private static StatisticsWriter slots(CalibrationStatistics statistics) {
        StatisticsWriter to = new StatisticsWriter();
        to.unsigned(4, statistics.slots().size());
        for (Map.Entry<Slot, SlotStatistics> entry : statistics.slots().entrySet()) {
            SlotStatistics s = entry.getValue();
            Geometry geometry = s.geometry();
            to.unsigned(2, entry.getKey().layer());
            to.unsigned(1, StatisticsFormat.id(entry.getKey().role()));
            to.unsigned(1, StatisticsFormat.id(geometry.dtype()));
            to.unsigned(4, geometry.heads());
            to.unsigned(4, geometry.headDim());
            for (long count : new long[] {s.finite(), s.nan(), s.infinite(), s.tokens(), s.samples()}) {
                to.unsigned(8, count);
            }
            to.sample(s.minSample());
            to.sample(s.maxSample());
            to.origin(s.firstOrigin());
            to.origin(s.firstNonFiniteOrigin());
        }
        return to;
    }

    private static StatisticsWriter ranges(List<SlotStatistics> all) {
        StatisticsWriter to = new StatisticsWriter();
        all.forEach(s -> to.patterns(s.ranges));
        return to;
    }

    private static StatisticsWriter batches(List<SlotStatistics> all) {
        StatisticsWriter to = new StatisticsWriter();
        to.unsigned(4, all.stream().filter(s -> s.batches != null).count());
        for (int i = 0; i < all.size(); i++) {
            BatchRanges batches = all.get(i).batches;
            if (batches != null) {
                to.unsigned(4, i);
                to.unsigned(4, batches.policy.channelsPerScale());
                to.unsigned(1, batches.policy.lastOnly() ? 1 : 0);
                to.unsigned(4, batches.ranges.size());
                batches.ranges.forEach((key, ranges) -> {
                    to.string(key.file());
                    to.unsigned(8, key.offset());
                    to.patterns(ranges);
                });
            }
        }
        return to;
    }

    private static StatisticsWriter histograms(List<SlotStatistics> all) {
        StatisticsWriter to = new StatisticsWriter();
        to.unsigned(4, all.stream().filter(SlotStatistics::hasCounts).count());
        for (int i = 0; i < all.size(); i++) {
            SlotCounts values = all.get(i).values;
            if (values != null) {
                to.unsigned(4, i);
                for (int head = 0; head < values.geometry().heads(); head++) {
                    byte[] packed = values.packedBytes(head);
                    to.unsigned(4, packed.length);
                    to.out.writeBytes(packed);
                }
            }
        }
        return to;
    }

    /** Written through one buffer, because patterns are nearly the whole file. */
    private void patterns(ChannelRanges ranges) {
        Dtype dtype = ranges.dtype;
        ByteBuffer bytes = ByteBuffer.allocate((ranges.min.length + ranges.max.length) * dtype.bytes())
                .order(ByteOrder.LITTLE_ENDIAN);
        for (int[] keys : new int[][] {ranges.min, ranges.max}) {
            for (int key : keys) {
                if (dtype.bytes() == 4) {
                    bytes.putInt(dtype.bitsOfKey(key));
                } else {
                    bytes.putShort((short) dtype.bitsOfKey(key));
                }
            }
        }
        out.writeBytes(bytes.array());
    }

    private void origin(@Nullable Origin origin) {
        unsigned(1, origin == null ? 0 : 1);
        if (origin != null) {
            sample(origin.sample());
            string(origin.file());
        }
    }

    private void sample(@Nullable Sample sample) {
        unsigned(1, sample == null ? 0 : 1);
        if (sample != null) {
            string(sample.name());
            unsigned(4, sample.row() & 0xffffffffL);
        }
    }

    private void string(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        unsigned(4, bytes.length);
        out.writeBytes(bytes);
    }

    private void unsigned(int bytes, long number) {
        for (int i = 0; i < bytes; i++) {
            out.write((int) (number >>> (8 * i)));
        }
    }
}
