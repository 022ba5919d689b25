package io.kvscale.observer;

import io.kvscale.observer.histogram.SlotCounts;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Writes {@link StatisticsFormat}. */
final class StatisticsWriter {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    /** Whether the file has slots of queries. */
    private final boolean queries;

    private StatisticsWriter(boolean queries) {
        this.queries = queries;
    }

    /** @param order the sections that may be written */
    static byte[] write(CalibrationStatistics statistics, List<String> order) {
        List<SlotStatistics> all = new ArrayList<>(statistics.slots().values());
        boolean batches = all.stream().anyMatch(s -> s.batches != null);
        boolean histograms = all.stream().anyMatch(SlotStatistics::hasHistograms);
        boolean norms = all.stream().anyMatch(s -> s.norms != null);
        boolean queries = statistics.slots().keySet().stream()
                .anyMatch(slot -> !slot.role().isCached());
        StatisticsWriter file = new StatisticsWriter(queries);
        List<String> sections = new ArrayList<>(order);
        sections.removeIf(section ->
                (section.equals(StatisticsFormat.BATCHES) || section.equals(StatisticsFormat.PACKED)) && !batches
                        || section.equals(StatisticsFormat.HISTOGRAMS) && !histograms
                        || section.equals(StatisticsFormat.PAIRS) && !norms);
        file.out.writeBytes(StatisticsFormat.MAGIC);
        file.unsigned(2, sections.stream().mapToInt(file::since).max().orElse(1));
        file.unsigned(2, sections.size());
        file.section(StatisticsFormat.CORPUS, to -> to.corpus(statistics.corpus()));
        file.section(StatisticsFormat.SLOTS, to -> to.slots(statistics));
        file.section(StatisticsFormat.RANGES, to -> all.forEach(s -> to.patterns(s.ranges)));
        if (batches && order.contains(StatisticsFormat.BATCHES)) {
            file.section(StatisticsFormat.BATCHES, to -> to.batches(all));
        } else if (batches) {
            file.section(StatisticsFormat.PACKED, to -> PackedBatches.write(all, to.out));
        }
        if (histograms) {
            file.section(StatisticsFormat.HISTOGRAMS, to -> to.histograms(all));
        }
        if (norms) {
            file.section(StatisticsFormat.PAIRS, to -> to.norms(all));
        }
        byte[] bytes = file.out.toByteArray();
        file.out.writeBytes(StatisticsFormat.checksum(bytes, bytes.length));
        return file.out.toByteArray();
    }

    private void section(String name, Consumer<StatisticsWriter> content) {
        StatisticsWriter payload = new StatisticsWriter(queries);
        content.accept(payload);
        unsigned(1, name.length());
        out.writeBytes(name.getBytes(StandardCharsets.US_ASCII));
        unsigned(2, since(name));
        unsigned(8, payload.out.size());
        out.writeBytes(payload.out.toByteArray());
    }

    private int since(String section) {
        return StatisticsFormat.since(section, queries);
    }

    private void corpus(Corpus corpus) {
        BigInteger number = corpus.fingerprint();
        for (int i = Corpus.FINGERPRINT_BYTES - 1; i >= 0; i--) {
            out.write(number.shiftRight(8 * i).intValue());
        }
        unsigned(8, corpus.files());
    }

    private void slots(CalibrationStatistics statistics) {
        unsigned(4, statistics.slots().size());
        for (Map.Entry<Slot, SlotStatistics> entry : statistics.slots().entrySet()) {
            SlotStatistics s = entry.getValue();
            Geometry geometry = s.geometry();
            unsigned(2, entry.getKey().layer());
            unsigned(1, StatisticsFormat.id(entry.getKey().role()));
            unsigned(1, StatisticsFormat.id(geometry.dtype()));
            unsigned(4, geometry.heads());
            unsigned(4, geometry.headDim());
            for (long count : new long[] {s.finite(), s.nan(), s.infinite(), s.tokens(), s.samples()}) {
                unsigned(8, count);
            }
            sample(s.minSample());
            sample(s.maxSample());
            origin(s.firstOrigin());
            origin(s.firstNonFiniteOrigin());
        }
    }

    private void batches(List<SlotStatistics> all) {
        unsigned(4, all.stream().filter(s -> s.batches != null).count());
        for (int i = 0; i < all.size(); i++) {
            BatchRanges batches = all.get(i).batches;
            if (batches != null) {
                unsigned(4, i);
                unsigned(4, batches.policy.channelsPerScale());
                unsigned(1, batches.policy.lastOnly() ? 1 : 0);
                unsigned(4, batches.size());
                for (int batch = 0; batch < batches.size(); batch++) {
                    string(batches.file(batch));
                    unsigned(8, batches.offset(batch));
                    patterns(batches.ranges(batch));
                }
            }
        }
    }

    private void histograms(List<SlotStatistics> all) {
        unsigned(4, all.stream().filter(SlotStatistics::hasHistograms).count());
        for (int i = 0; i < all.size(); i++) {
            SlotCounts slot = all.get(i).histograms;
            if (slot != null) {
                unsigned(4, i);
                for (int head = 0; head < slot.geometry().heads(); head++) {
                    byte[] packed = slot.packedBytes(head);
                    unsigned(4, packed.length);
                    out.writeBytes(packed);
                }
            }
        }
    }

    private void norms(List<SlotStatistics> all) {
        unsigned(4, all.stream().filter(s -> s.norms != null).count());
        for (int i = 0; i < all.size(); i++) {
            PairNorms norms = all.get(i).norms;
            if (norms != null) {
                unsigned(4, i);
                unsigned(1, norms.layout.neighbors() ? 1 : 0);
                unsigned(4, norms.layout.channels());
                for (double square : norms.squares) {
                    unsigned(8, Double.doubleToRawLongBits(square));
                }
            }
        }
    }

    /** Written through one buffer, because patterns are nearly the whole file. */
    private void patterns(ChannelRanges ranges) {
        ByteBuffer bytes = ByteBuffer.allocate((ranges.min.length + ranges.max.length) * ranges.dtype.bytes());
        ranges.writePatterns(bytes);
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
