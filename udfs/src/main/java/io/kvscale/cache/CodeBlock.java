package io.kvscale.cache;

import io.kvscale.quant.HeldScales;
import io.kvscale.quant.Quantizer;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvTensor;
import java.nio.ByteBuffer;
import org.roaringbitmap.RoaringBitmap;

/**
 * Consecutive tokens of one slot, held as codes {@code [batch, heads, tokens, head_dim]}; 4-bit codes are packed two to a
 * byte. {@link HeldSequence} passes in the scales that the codes were made with.
 *
 * @param change how those scales differ from the previous block's; a full set of channel scales would take more memory than
 *     the codes of a single decoded token
 * @param locals the local scales of NVFP4, one per group of codes; empty for other schemes
 * @param lowest indices of codes that stand for the lowest integer, see {@link Quantizer}; usually few
 */
record CodeBlock(int batch, int tokens, HeldScales.Change change, byte[] packed, byte[] locals, RoaringBitmap lowest) {
    /** Smaller blocks with equal scales are joined, because decoding adds one token at a time. */
    private static final int JOINED_TOKENS = 64;

    /** Quantizes the first tokens, and writes their dequantized values as {@link #dequantizeInto} does. */
    static CodeBlock of(
            KvTensor source,
            int tokens,
            HeldScales scales,
            HeldScales.Change change,
            ByteBuffer values,
            int total,
            int at) {
        Geometry geometry = source.geometry();
        int lane = tokens * geometry.headDim();
        byte[] codes = new byte[source.batch() * geometry.heads() * lane];
        RoaringBitmap lowest = new RoaringBitmap();
        Quantizer quantizer = new Quantizer(scales);
        byte[] locals = new byte[quantizer.locals(codes.length)];
        for (int bh = 0; bh < source.batch() * geometry.heads(); bh++) {
            quantizer.fakeQuantize(
                    source,
                    bh * source.tokens() * geometry.headDim(),
                    bh % geometry.heads(),
                    tokens,
                    codes,
                    locals,
                    bh * lane,
                    lowest::add,
                    values,
                    (bh * total + at) * geometry.headDim() * geometry.dtype().bytes());
        }
        lowest.runOptimize();
        CodeBlock block = new CodeBlock(source.batch(), tokens, change, pack(codes, scales), locals, lowest);
        block.dequantizeLowest(quantizer, geometry, values, total, at);
        return block;
    }

    /** Writes the dequantized values into {@code [batch, heads, total, head_dim]}, from token {@code at}. */
    void dequantizeInto(ByteBuffer values, HeldScales scales, int total, int at) {
        Geometry geometry = scales.geometry();
        int headDim = geometry.headDim();
        int bytes = geometry.dtype().bytes();
        byte[] codes = codes(scales);
        Quantizer quantizer = new Quantizer(scales);
        for (int bh = 0; bh < batch * geometry.heads(); bh++) {
            quantizer.dequantize(
                    codes,
                    locals,
                    bh * tokens * headDim,
                    bh % geometry.heads(),
                    tokens,
                    values,
                    (bh * total + at) * headDim * bytes);
        }
        dequantizeLowest(quantizer, geometry, values, total, at);
    }

    private void dequantizeLowest(Quantizer quantizer, Geometry geometry, ByteBuffer values, int total, int at) {
        int headDim = geometry.headDim();
        lowest.forEach((int index) -> {
            int line = index / headDim;
            int bh = line / tokens;
            int channel = bh % geometry.heads() * headDim + index % headDim;
            int value = (bh * total + at + line % tokens) * headDim + index % headDim;
            quantizer.dequantizeLowest(channel, values, value * geometry.dtype().bytes());
        });
    }

    boolean joins(CodeBlock next) {
        return tokens < JOINED_TOKENS && next.tokens < JOINED_TOKENS && next.change.isEmpty();
    }

    CodeBlock join(CodeBlock next, HeldScales scales) {
        int headDim = scales.geometry().headDim();
        int lanes = batch * scales.geometry().heads();
        int total = tokens + next.tokens;
        byte[] codes = new byte[lanes * total * headDim];
        byte[] allLocals = new byte[locals.length + next.locals.length];
        RoaringBitmap all = new RoaringBitmap();
        copyInto(codes, allLocals, all, scales, total, 0);
        next.copyInto(codes, allLocals, all, scales, total, tokens);
        return new CodeBlock(batch, total, change, pack(codes, scales), allLocals, all);
    }

    private void copyInto(byte[] joined, byte[] joinedLocals, RoaringBitmap all, HeldScales scales, int total, int at) {
        int lane = tokens * scales.geometry().headDim();
        int joinedLane = total * scales.geometry().headDim();
        int offset = at * scales.geometry().headDim();
        byte[] codes = codes(scales);
        copyLanes(codes, lane, joined, joinedLane, offset);
        if (locals.length > 0) {
            int group = codes.length / locals.length;
            copyLanes(locals, lane / group, joinedLocals, joinedLane / group, offset / group);
        }
        lowest.forEach((int index) -> all.add(index / lane * joinedLane + offset + index % lane));
    }

    private static void copyLanes(byte[] from, int lane, byte[] to, int toLane, int offset) {
        for (int i = 0; i * lane < from.length; i++) {
            System.arraycopy(from, i * lane, to, i * toLane + offset, lane);
        }
    }

    /** Heap bytes of codes, local scales and change of scales. */
    long heldBytes() {
        return packed.length + locals.length + change.bytes() + lowest.getLongSizeInBytes();
    }

    private byte[] codes(HeldScales scales) {
        if (scales.scheme().format().bits() == 8) {
            return packed;
        }
        byte[] codes = new byte[batch * tokens * scales.geometry().channels()];
        for (int i = 0; i < codes.length; i++) {
            codes[i] = (byte) (packed[i >> 1] >>> ((i & 1) * 4) & 0xf);
        }
        return codes;
    }

    private static byte[] pack(byte[] codes, HeldScales scales) {
        if (scales.scheme().format().bits() == 8) {
            return codes;
        }
        byte[] packed = new byte[(codes.length + 1) / 2];
        for (int i = 0; i < codes.length; i++) {
            packed[i >> 1] |= (byte) ((codes[i] & 0xf) << ((i & 1) * 4));
        }
        return packed;
    }
}
