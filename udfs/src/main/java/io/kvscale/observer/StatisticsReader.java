package io.kvscale.observer;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
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
import org.jspecify.annotations.Nullable;

/**
 * Reads {@link StatisticsFormat} like a sceptic: magic, version, checksum, then every field. What it accepts, the writer
 * gives back byte for byte.
 */
final class StatisticsReader {
    private static final int HEADER_BYTES = 12;
    private static final int MIN_SLOT_BYTES = 56;
    private static final int MIN_BATCHES_BYTES = 13;
    private static final int MIN_BATCH_BYTES = 16;
    private static final int MIN_HISTOGRAMS_BYTES = 8;

    private final Map<String, SectionCursor> sections = new LinkedHashMap<>();

    private StatisticsReader(SectionCursor file, int version) {
        int count = file.u16();
        int last = -1;
        int latest = 1;
        for (int i = 0; i < count; i++) {
            String name = new String(file.bytes(file.u8()), StandardCharsets.US_ASCII);
            int since = file.u16();
            int place = StatisticsFormat.ORDER.indexOf(name);
            if (place < 0 || since > StatisticsFormat.VERSION) {
                throw newer("section '" + name + "'", since);
            }
            if (place <= last || since != StatisticsFormat.since(name)) {
                throw SectionCursor.damaged("section '" + name + "' is out of place");
            }
            last = place;
            latest = Math.max(latest, since);
            sections.put(name, file.section(file.count()));
        }
        file.end();
        if (latest != version) {
            throw SectionCursor.damaged("version " + version + ", though its sections are of version " + latest);
        }
    }

    static CalibrationStatistics read(byte[] bytes) {
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
            return new StatisticsReader(file, version).statistics();
        } catch (IllegalArgumentException e) {
            throw SectionCursor.damaged(String.valueOf(e.getMessage()));
        }
    }

    private CalibrationStatistics statistics() {
        SectionCursor corpus = section(StatisticsFormat.CORPUS);
        BigInteger fingerprint = new BigInteger(1, corpus.bytes(Corpus.FINGERPRINT_BYTES));
        long files = corpus.count();
        List<Slot> slots = new ArrayList<>();
        List<Geometry> geometries = new ArrayList<>();
        List<SlotStatistics.Counts> counts = new ArrayList<>();
        slots(slots, geometries, counts);
        Map<Integer, BatchRanges> batches = batches(geometries);
        Map<Integer, SlotCounts> histograms = histograms(geometries);
        SectionCursor ranges = section(StatisticsFormat.RANGES);
        Map<Slot, SlotStatistics> result = new TreeMap<>();
        for (int i = 0; i < slots.size(); i++) {
            Geometry geometry = geometries.get(i);
            result.put(
                    slots.get(i),
                    new SlotStatistics(
                            geometry,
                            ranges.ranges(geometry.dtype(), geometry.channels()),
                            batches.get(i),
                            histograms.get(i),
                            counts.get(i)));
        }
        sections.values().forEach(SectionCursor::end);
        return new CalibrationStatistics(new Corpus(fingerprint, files), result);
    }

    private void slots(List<Slot> slots, List<Geometry> geometries, List<SlotStatistics.Counts> counts) {
        SectionCursor in = section(StatisticsFormat.SLOTS);
        int count = in.count(MIN_SLOT_BYTES);
        for (int i = 0; i < count; i++) {
            Slot slot = new Slot(in.u16(), in.flag() ? Role.VALUE : Role.KEY);
            if (i > 0 && slot.compareTo(slots.get(i - 1)) <= 0) {
                throw SectionCursor.damaged(slot + " is out of order");
            }
            slots.add(slot);
            geometries.add(new Geometry(dtype(in.u8()), in.i32(), in.i32()));
            counts.add(new SlotStatistics.Counts(
                    in.count(),
                    in.count(),
                    in.count(),
                    in.count(),
                    in.count(),
                    in.sample(),
                    in.sample(),
                    in.origin(),
                    in.origin()));
        }
    }

    private Map<Integer, BatchRanges> batches(List<Geometry> geometries) {
        Map<Integer, BatchRanges> result = new HashMap<>();
        @Nullable SectionCursor in = sections.get(StatisticsFormat.BATCHES);
        if (in == null) {
            return result;
        }
        int slots = in.count(MIN_BATCHES_BYTES);
        if (slots == 0) {
            throw SectionCursor.damaged("no slot has batches, though there is a section of them");
        }
        int last = -1;
        for (int i = 0; i < slots; i++) {
            int index = in.i32();
            if (index <= last || index >= geometries.size()) {
                throw SectionCursor.damaged("batches of slot " + index + " after those of " + last + ", of "
                        + geometries.size() + " slots");
            }
            last = index;
            Geometry geometry = geometries.get(index);
            int perScale = in.i32();
            if (perScale < 1 || geometry.channels() % perScale != 0) {
                throw SectionCursor.damaged(perScale + " channels a range do not divide " + geometry.channels());
            }
            BatchRanges batches = new BatchRanges(new BatchPolicy(perScale, in.flag()));
            int count = in.count(MIN_BATCH_BYTES);
            for (int b = 0; b < count; b++) {
                BatchKey key = new BatchKey(in.string(), in.count());
                if (!batches.ranges.isEmpty() && key.compareTo(batches.ranges.lastKey()) <= 0) {
                    throw SectionCursor.damaged("batches are out of order");
                }
                batches.update(key, in.ranges(geometry.dtype(), geometry.channels() / perScale));
            }
            if (batches.ranges.size() != count) {
                throw SectionCursor.damaged(count + " batches, where the last alone is kept");
            }
            result.put(index, batches);
        }
        return result;
    }

    private Map<Integer, SlotCounts> histograms(List<Geometry> geometries) {
        Map<Integer, SlotCounts> result = new HashMap<>();
        @Nullable SectionCursor in = sections.get(StatisticsFormat.HISTOGRAMS);
        if (in == null) {
            return result;
        }
        int slots = in.count(MIN_HISTOGRAMS_BYTES);
        if (slots == 0) {
            throw SectionCursor.damaged("no slot has histograms, though there is a section of them");
        }
        int last = -1;
        for (int i = 0; i < slots; i++) {
            int index = in.i32();
            if (index <= last || index >= geometries.size()) {
                throw SectionCursor.damaged("histograms of slot " + index + " after those of " + last + ", of "
                        + geometries.size() + " slots");
            }
            last = index;
            Geometry geometry = geometries.get(index);
            PackedCounts[] heads = new PackedCounts[in.atLeast(geometry.heads(), Integer.BYTES)];
            for (int head = 0; head < heads.length; head++) {
                heads[head] = PackedCounts.of(in.bytes(in.count(1)));
            }
            result.put(index, new SlotCounts(geometry, heads));
        }
        return result;
    }

    private SectionCursor section(String name) {
        SectionCursor section = sections.get(name);
        if (section == null) {
            throw SectionCursor.damaged("section '" + name + "' is missing");
        }
        return section;
    }

    private static Dtype dtype(int id) {
        for (Dtype dtype : Dtype.values()) {
            if (StatisticsFormat.id(dtype) == id) {
                return dtype;
            }
        }
        throw SectionCursor.damaged("dtype " + id + " is not known");
    }

    private static InvalidDataException newer(String what, int version) {
        return new InvalidDataException(DataProblem.of(
                what + " needs statistics version " + version + ", this kvscale reads up to "
                        + StatisticsFormat.VERSION,
                "use the kvscale that wrote the file, or a later one"));
    }
}
