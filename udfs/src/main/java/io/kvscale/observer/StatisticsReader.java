package io.kvscale.observer;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.histogram.SlotCounts;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.RotaryPairs;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@link StatisticsFormat} from untrusted bytes: checks magic, version and checksum, then every field. The writer
 * gives back every accepted file byte for byte.
 */
final class StatisticsReader {
    private static final int HEADER_BYTES = 12;
    private static final int MIN_SLOT_BYTES = 56;
    private static final int MIN_BATCHES_BYTES = 13;
    private static final int MIN_BATCH_BYTES = 16;
    private static final int MIN_HISTOGRAMS_BYTES = 8;
    private static final int MIN_PAIRS_BYTES = 9;

    private final Map<String, SectionCursor> sections = new LinkedHashMap<>();
    private boolean queries;

    /** A slot in the section of slots. */
    private record Entry(
            Slot slot,
            Geometry geometry,
            SlotTotals totals,
            @Nullable Sample minSample,
            @Nullable Sample maxSample) {}

    private StatisticsReader(SectionCursor file, int version, List<String> order) {
        int count = file.u16();
        int last = -1;
        int latest = 1;
        for (int i = 0; i < count; i++) {
            String name = new String(file.bytes(file.u8()), StandardCharsets.US_ASCII);
            int since = file.u16();
            int place = order.indexOf(name);
            if (place < 0 || since > StatisticsFormat.VERSION) {
                throw newer("section '" + name + "'", since);
            }
            queries |= since == StatisticsFormat.since(StatisticsFormat.SLOTS, true);
            if (place <= last || since != StatisticsFormat.since(name, queries)) {
                throw SectionCursor.damaged("section '" + name + "' is out of place");
            }
            last = place;
            latest = Math.max(latest, since);
            sections.put(name, file.section(file.count()));
        }
        file.end();
        if (latest != version) {
            throw SectionCursor.damaged(
                    "the file has version " + version + ", but its sections need version " + latest);
        }
    }

    /** @param order the sections that there may be */
    static CalibrationStatistics read(byte[] bytes, List<String> order) {
        byte[] magic = StatisticsFormat.MAGIC;
        int body = bytes.length - StatisticsFormat.CHECKSUM_BYTES;
        if (body < HEADER_BYTES || !Arrays.equals(bytes, 0, magic.length, magic, 0, magic.length)) {
            throw SectionCursor.damaged("not a kvscale statistics file");
        }
        SectionCursor file = new SectionCursor(ByteBuffer.wrap(bytes, magic.length, body - magic.length));
        int version = file.u16();
        if (version > StatisticsFormat.VERSION) {
            throw newer("the file", version);
        }
        byte[] checksum = StatisticsFormat.checksum(bytes, body);
        if (version < 1 || !Arrays.equals(checksum, 0, checksum.length, bytes, body, bytes.length)) {
            throw SectionCursor.damaged("the checksum does not match: the file was cut short or altered");
        }
        try {
            return new StatisticsReader(file, version, order).statistics();
        } catch (IllegalArgumentException e) {
            throw SectionCursor.damaged(String.valueOf(e.getMessage()));
        }
    }

    private CalibrationStatistics statistics() {
        SectionCursor corpus = section(StatisticsFormat.CORPUS);
        BigInteger fingerprint = new BigInteger(1, corpus.bytes(Corpus.FINGERPRINT_BYTES));
        long files = corpus.count();
        List<Entry> slots = slots();
        Map<Integer, BatchRanges> batches =
                optional(StatisticsFormat.BATCHES, MIN_BATCHES_BYTES, slots, StatisticsReader::batches);
        @Nullable SectionCursor packed = sections.get(StatisticsFormat.PACKED);
        if (packed != null) {
            PackedBatches named = PackedBatches.read(packed);
            batches.putAll(optional(StatisticsFormat.PACKED, MIN_BATCHES_BYTES, slots, named::batches));
        }
        Map<Integer, SlotCounts> histograms =
                optional(StatisticsFormat.HISTOGRAMS, MIN_HISTOGRAMS_BYTES, slots, StatisticsReader::histograms);
        Map<Integer, PairNorms> norms =
                optional(StatisticsFormat.PAIRS, MIN_PAIRS_BYTES, slots, StatisticsReader::norms);
        SectionCursor ranges = section(StatisticsFormat.RANGES);
        Map<Slot, SlotStatistics> result = new TreeMap<>();
        for (int i = 0; i < slots.size(); i++) {
            Entry entry = slots.get(i);
            Geometry geometry = entry.geometry;
            if (norms.containsKey(i) && entry.slot.role() != Role.KEY) {
                throw SectionCursor.damaged(entry.slot + " has norms of pairs, but only keys are rotated");
            }
            result.put(
                    entry.slot,
                    new SlotStatistics(
                            geometry,
                            ranges.ranges(geometry.dtype(), geometry.channels()),
                            batches.get(i),
                            histograms.get(i),
                            norms.get(i),
                            entry.totals,
                            entry.minSample,
                            entry.maxSample));
        }
        sections.values().forEach(SectionCursor::end);
        return new CalibrationStatistics(new Corpus(fingerprint, files), result);
    }

    private List<Entry> slots() {
        SectionCursor in = section(StatisticsFormat.SLOTS);
        int count = in.count(MIN_SLOT_BYTES);
        List<Entry> slots = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Slot slot = new Slot(in.u16(), role(in.u8()));
            if (i > 0 && slot.compareTo(slots.get(i - 1).slot) <= 0) {
                throw SectionCursor.damaged(slot + " is out of order");
            }
            Geometry geometry = new Geometry(dtype(in.u8()), in.i32(), in.i32());
            long[] counts = new long[5];
            Arrays.setAll(counts, c -> in.count());
            Sample minSample = in.sample();
            Sample maxSample = in.sample();
            SlotTotals totals =
                    new SlotTotals(counts[0], counts[1], counts[2], counts[3], counts[4], in.origin(), in.origin());
            slots.add(new Entry(slot, geometry, totals, minSample, maxSample));
        }
        if (queries != slots.stream().anyMatch(entry -> !entry.slot.role().isCached())) {
            throw SectionCursor.damaged("the section of slots "
                    + (queries ? "is that of a file with queries, but has none" : "has queries"));
        }
        return slots;
    }

    /**
     * Reads a section with data of some of the slots, by slot index. The section is left out if no slot has data.
     *
     * @param minBytes of the data of a slot, its index included
     * @param data reads the data of a slot after its index
     */
    private <T> Map<Integer, T> optional(
            String section, int minBytes, List<Entry> slots, BiFunction<SectionCursor, Geometry, T> data) {
        Map<Integer, T> result = new HashMap<>();
        @Nullable SectionCursor in = sections.get(section);
        if (in == null) {
            return result;
        }
        int count = in.count(minBytes);
        if (count == 0) {
            throw SectionCursor.damaged("section '" + section + "' holds no slot");
        }
        int last = -1;
        for (int i = 0; i < count; i++) {
            int index = in.i32();
            if (index <= last || index >= slots.size()) {
                throw SectionCursor.damaged("section '" + section + "' holds slot index " + index + ", expected above "
                        + last + " and below " + slots.size());
            }
            result.put(index, data.apply(in, slots.get(index).geometry));
            last = index;
        }
        return result;
    }

    private static BatchRanges batches(SectionCursor in, Geometry geometry) {
        BatchRanges batches = in.noBatches(geometry);
        int count = in.count(MIN_BATCH_BYTES);
        for (int b = 0; b < count; b++) {
            batches.addNext(in.string(), in.count(), in.ranges(geometry.dtype(), batches.width));
        }
        batches.checkSize(count);
        return batches;
    }

    private static SlotCounts histograms(SectionCursor in, Geometry geometry) {
        byte[][] heads = new byte[in.checkCount(geometry.heads(), Integer.BYTES)][];
        for (int head = 0; head < heads.length; head++) {
            heads[head] = in.bytes(in.count(1));
        }
        return SlotCounts.ofPacked(geometry, heads);
    }

    private static PairNorms norms(SectionCursor in, Geometry geometry) {
        RotaryPairs pairs = new RotaryPairs(in.flag(), in.i32());
        if (pairs.channels() > geometry.headDim()) {
            throw SectionCursor.damaged(
                    pairs.channels() + " rotated channels are more than head_dim " + geometry.headDim());
        }
        in.checkCount(geometry.heads() * pairs.count(), Double.BYTES);
        PairNorms norms = new PairNorms(geometry, pairs);
        for (int i = 0; i < norms.squares.length; i++) {
            norms.squares[i] = in.f64();
        }
        return norms;
    }

    private SectionCursor section(String name) {
        SectionCursor section = sections.get(name);
        if (section == null) {
            throw SectionCursor.damaged("section '" + name + "' is missing");
        }
        return section;
    }

    private static Role role(int id) {
        for (Role role : Role.values()) {
            if (StatisticsFormat.id(role) == id) {
                return role;
            }
        }
        throw SectionCursor.damaged("unknown role " + id);
    }

    private static Dtype dtype(int id) {
        for (Dtype dtype : Dtype.values()) {
            if (StatisticsFormat.id(dtype) == id) {
                return dtype;
            }
        }
        throw SectionCursor.damaged("unknown dtype " + id);
    }

    private static InvalidDataException newer(String what, int version) {
        return new InvalidDataException(DataProblem.of(
                what + " needs statistics version " + version + ", this kvscale reads up to "
                        + StatisticsFormat.VERSION,
                "use the kvscale that wrote the file, or a later one"));
    }
}
