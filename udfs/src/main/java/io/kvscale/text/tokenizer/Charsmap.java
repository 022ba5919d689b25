package io.kvscale.text.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.BitSet;

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

    private final int[] units;
    private final byte[] texts;
    private final Part part;
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
        charsmap.walk();
        effort.grow(charsmap.growth, part);
        effort.shrink();
    }

    /** Visits every unit that a key can reach, level by level. */
    private void walk() {
        BitSet level = new BitSet();
        level.set(offset(units[0]));
        for (int length = 1; length <= MAX_KEY; length++) {
            BitSet next = new BitSet();
            for (int base = level.nextSetBit(0); base >= 0; base = level.nextSetBit(base + 1)) {
                if ((base | 0xff) >= units.length) {
                    throw part.bad("its character map points behind the end of its trie");
                }
                for (int label = 1; label < 256; label++) {
                    int at = base ^ label;
                    if ((units[at] & 0x800000ff) == label) {
                        int children = at ^ offset(units[at]);
                        next.set(children);
                        if ((units[at] >> 8 & 1) == 1) {
                            value(children, length, label);
                        }
                    }
                }
            }
            level = next;
        }
    }

    private static int offset(int unit) {
        // At most 2^30: a base is not negative.
        return (int) ((long) (unit >>> 10) << ((unit & 1 << 9) >>> 6) & 0x3fffffff);
    }

    private void value(int at, int length, int label) {
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
        boolean gone = end == start || Character.isWhitespace(texts[start]) || texts[start] < 0;
        if (gone && length == 1 && label > ' ' && label < 127) {
            throw part.bad("its character map deletes or replaces the character " + (char) label);
        }
        growth = Math.max(growth, (double) (end - start) / length);
    }
}
