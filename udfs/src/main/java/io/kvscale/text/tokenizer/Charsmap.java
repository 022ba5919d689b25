package io.kvscale.text.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/**
 * SentencePiece's character map, which the native tokenizer reads without checks:
 *
 * <pre>
 * u32 bytes of the trie | u32 units of a double-array trie | UTF-8 texts, each ended by a zero byte
 * unit: bits 0-7 and 31 label; bit 8 has a value; bit 9 and bits 10-31 offset to the children; with bit 31: a value
 * </pre>
 */
final class Charsmap {
    private static final int MAX_BASE64 = 16 << 20;
    /** The tokenizer looks up at most five bytes. */
    private static final int MAX_KEY = 5;

    private static final int MAX_TEXT = 256;
    /** A published map has some ten thousand. */
    private static final int MAX_NODES = 1 << 17;

    private final int[] units;
    private final byte[] texts;
    private final Part part;
    private final byte[] key = new byte[MAX_KEY];
    private int nodes;
    private double growth = 1;

    private Charsmap(int[] units, byte[] texts, Part part) {
        this.units = units;
        this.texts = texts;
        this.part = part;
    }

    static void check(Part part, Effort effort) {
        byte[] map;
        try {
            map = Base64.getDecoder().decode(part.string("precompiled_charsmap", MAX_BASE64));
        } catch (IllegalArgumentException e) {
            throw part.bad("its character map is not base64");
        }
        ByteBuffer in = ByteBuffer.wrap(map).order(ByteOrder.LITTLE_ENDIAN);
        int bytes = in.remaining() < 4 ? -1 : in.getInt();
        if (bytes < 1024 || bytes % 1024 != 0 || bytes > in.remaining()) {
            throw part.bad("its character map is cut short or has no trie");
        }
        int[] units = new int[bytes / 4];
        in.asIntBuffer().get(units);
        byte[] texts = new byte[in.remaining() - bytes];
        in.position(in.position() + bytes).get(texts);
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(texts));
        } catch (CharacterCodingException e) {
            throw part.bad("the texts of its character map are not UTF-8");
        }
        Charsmap charsmap = new Charsmap(units, texts, part);
        effort.decompose(Normalizers.COMPATIBILITY, part);
        charsmap.walk(offset(units[0]), 0);
        effort.grow(charsmap.growth, part);
        effort.shrink();
    }

    /** Visits every unit that a key can reach. */
    private void walk(int base, int length) {
        if ((base | 0xff) >= units.length) {
            throw part.bad("its character map points behind the end of its trie");
        }
        if (++nodes > MAX_NODES) {
            throw part.bad("its character map has more than " + MAX_NODES + " beginnings of keys");
        }
        for (int label = 1; label < 256; label++) {
            int at = base ^ label;
            if ((units[at] & 0x800000ff) == label) {
                int children = at ^ offset(units[at]);
                key[length] = (byte) label;
                if ((units[at] >> 8 & 1) == 1) {
                    value(children, length + 1);
                }
                if (length + 1 < key.length) {
                    walk(children, length + 1);
                }
            }
        }
    }

    private static int offset(int unit) {
        // At most 2^30: a base is not negative.
        return (int) ((long) (unit >>> 10) << ((unit & 1 << 9) >>> 6) & 0x3fffffff);
    }

    private void value(int at, int length) {
        int start = at < units.length ? units[at] & 0x7fffffff : texts.length;
        boolean boundary =
                start == texts.length && at < units.length || start < texts.length && (texts[start] & 0xc0) != 0x80;
        if (!boundary) {
            throw part.bad("its character map points into the middle or behind the end of its texts");
        }
        int end = start;
        while (end < texts.length && texts[end] != 0) {
            end++;
        }
        if (end - start > MAX_TEXT) {
            throw part.bad("its character map has a text of " + (end - start) + " bytes, at most " + MAX_TEXT);
        }
        String value = new String(texts, start, end - start, StandardCharsets.UTF_8);
        growth = Math.max(growth, (double) Effort.bytes(value) / keyBytes(length));
    }

    /** A key can end within a character: then it stands for any character that begins so. */
    private int keyBytes(int length) {
        String text = new String(key, 0, length, StandardCharsets.UTF_8);
        return text.indexOf('\ufffd') < 0 ? Effort.bytes(text) : length;
    }
}
