package io.kvscale.observer;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.Role;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * The statistics file, versions 1 to 4. Little endian.
 *
 * <pre>
 *  0        8        10       12
 *  | magic  | version| count  | section ... | section ... | SHA-256 of all before |
 *    8 bytes  u16      u16                                  32 bytes
 *
 *  section:  u8 length of name | name (ASCII) | u16 first version with it | u64 length of payload | payload
 *
 *  corpus:   fingerprint (32 bytes, most significant first) | u64 files
 *  slots:    u32 slots, then by layer and role:
 *            u16 layer | u8 role (0 key, 1 value, 2 query) | u8 dtype | u32 heads | u32 head_dim
 *            u64 finite | u64 nan | u64 infinite | u64 tokens | u64 samples
 *            min sample | max sample | first origin | first non-finite origin
 *  ranges:   for each slot in that order: min of every channel, then max of every channel, as patterns of its dtype;
 *            +Inf and -Inf for a channel without finite values
 *  batches:  only if a slot keeps them. u32 slots, then: u32 index of the slot | u32 channels per range
 *            | u8 last only | u32 batches, then in order of the corpus:
 *            string file | u64 offset | min of every range | max of every range
 *
 *  histograms (since version 2): only if a slot has them. u32 slots, then: u32 index of the slot, then for
 *            each head: u32 bytes | for each 16-bit pattern that occurs, finite, ascending as numbers, -0 before +0:
 *            varint number of patterns skipped | varint count - 1
 *
 *  pairs (since version 4): only if a slot has norms. u32 slots, then: u32 index of the slot, whose role is key
 *            | u8 pairs (0: i and i + channels / 2, 1: 2i and 2i + 1) | u32 rotated channels, then for each head and pair:
 *            f64 greatest a * a + b * b, rounded up; 0 for a pair without finite values
 *
 *  varint:   7 bits a byte, least significant first; a set high bit: another byte follows; as few bytes as possible
 *  string:   u32 bytes | UTF-8
 *  sample:   u8 0 (none), or u8 1 | string name | i32 row (-1 for a whole file)
 *  origin:   u8 0 (none), or u8 1 | sample | string file
 * </pre>
 *
 * Sections come in this order, each at most once. An unknown section is refused with the version that it needs. The
 * version of a file is the highest of its sections: without histograms and norms, version 1. Slots need version 3 if there is one of
 * queries, else 1. The minimum and maximum of a slot
 * follow from its ranges. Histograms count patterns of the slot's dtype, or of BF16 after rounding if the dtype is F32.
 * The first and last pattern of a histogram are the ends of the head's range, and the counts of a slot add up to its
 * finite values. Nothing is compressed, so that no byte depends on a compressor.
 */
final class StatisticsFormat {
    static final byte[] MAGIC = CalibrationStatistics.MAGIC.getBytes(StandardCharsets.US_ASCII);
    static final int VERSION = 4;
    static final int CHECKSUM_BYTES = 32;
    static final String CORPUS = "corpus";
    static final String SLOTS = "slots";
    static final String RANGES = "ranges";
    static final String BATCHES = "batches";
    static final String HISTOGRAMS = "histograms";
    static final String PAIRS = "pairs";

    /** Batches on their way between tasks, never in a file: {@link PackedBatches}. */
    static final String PACKED = "packed";

    /** All sections in file order. */
    static final List<String> ORDER = List.of(CORPUS, SLOTS, RANGES, BATCHES, HISTOGRAMS, PAIRS);

    /** All sections between tasks. */
    static final List<String> TASK_ORDER = List.of(CORPUS, SLOTS, RANGES, PACKED, HISTOGRAMS, PAIRS);

    private StatisticsFormat() {}

    /**
     * The first version with a section.
     *
     * @param queries whether the file has slots of queries
     */
    static int since(String section, boolean queries) {
        return switch (section) {
            case SLOTS -> queries ? 3 : 1;
            case HISTOGRAMS -> 2;
            case PAIRS -> 4;
            default -> 1;
        };
    }

    static int id(Role role) {
        return switch (role) {
            case KEY -> 0;
            case VALUE -> 1;
            case QUERY -> 2;
        };
    }

    static int id(Dtype dtype) {
        return switch (dtype) {
            case F32 -> 0;
            case BF16 -> 1;
            case F16 -> 2;
        };
    }

    static byte[] checksum(byte[] bytes, int length) {
        MessageDigest digest = DigestUtils.getSha256Digest();
        digest.update(bytes, 0, length);
        return digest.digest();
    }
}
