package io.kvscale.scheme.table;

import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.commons.codec.binary.Hex;
import org.apache.commons.codec.digest.DigestUtils;
import org.jspecify.annotations.Nullable;

/**
 * The SHA-256 of everything that turns values into codes and back, so that equal hashes mean interchangeable blocks of a KV
 * store. For each slot of K and V, ordered by layer and K before V:
 *
 * <pre>
 *   a line of ASCII: the words below, separated by one space, ended by \n; "-" for null or absent
 *     layer, "key" or "value", num_bits, type, format, strategy, group_size, global_scale, symmetric, heads, head_dim
 *   scale       f32, little endian, each
 *   zero_point  f32, little endian, each
 * </pre>
 *
 * Ranges, counts, sample names, the corpus, the observer, {@code scale_dtype} and the dtype of K and V are left out: they say
 * how scales were found, not what they do. A code means the same number whatever dtype a reader then computes in.
 */
final class ScalesHash {
    private ScalesHash() {}

    /** 64 hexadecimal digits. */
    static String of(ScaleTable table) {
        MessageDigest digest = DigestUtils.getSha256Digest();
        table.cached().slots().forEach((slot, scales) -> {
            digest.update(line(slot, scales).getBytes(StandardCharsets.US_ASCII));
            digest.update(bytes(scales.scale()));
            digest.update(bytes(scales.zeroPoint()));
        });
        return Hex.encodeHexString(digest.digest());
    }

    private static String line(Slot slot, SlotScales scales) {
        QuantizationScheme scheme = scales.scheme();
        Map<String, @Nullable Object> fields = KvCacheScheme.fields(scheme);
        GlobalScale convention = scheme.globalScale();
        List<@Nullable Object> words = new ArrayList<>();
        words.add(slot.layer());
        words.add(slot.role().word());
        words.add(fields.get("num_bits"));
        words.add(fields.get("type"));
        words.add(fields.get("format"));
        words.add(fields.get("strategy"));
        words.add(fields.get("group_size"));
        words.add(convention == null ? null : convention.word());
        words.add(fields.get("symmetric"));
        words.add(scales.geometry().heads());
        words.add(scales.geometry().headDim());
        return words.stream().map(word -> word == null ? "-" : word.toString()).collect(Collectors.joining(" ")) + "\n";
    }

    private static byte[] bytes(float[] numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(numbers);
        return bytes.array();
    }
}
