package io.kvscale.cache;

import io.kvscale.quant.HeldScales;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The tokens that a cache holds for one slot: older ones as blocks of codes, the newest in full precision. */
final class HeldSequence {
    private final List<CodeBlock> blocks = new ArrayList<>();
    /** The scales of the first block; each later block changes the previous block's. */
    private @Nullable HeldScales first;

    private @Nullable HeldScales latest;
    private int coded;
    private @Nullable KvTensor residual;

    int tokens() {
        return coded + (residual == null ? 0 : residual.tokens());
    }

    /**
     * Appends tokens and returns the whole sequence: dequantized tokens, then the residual window unchanged.
     *
     * @param scales the scales in force; null, for all updates of the slot, to keep everything in full precision
     * @param residualLength number of newest tokens that stay in full precision
     */
    KvTensor append(KvTensor added, @Nullable HeldScales scales, int residualLength) {
        int old = residual == null ? 0 : residual.tokens();
        int leaving = scales == null ? 0 : Math.max(0, old + added.tokens() - residualLength);
        int leavingOld = Math.min(leaving, old);
        int total = tokens() + added.tokens();
        ByteBuffer values = ByteBuffer.allocate(bytes(added.geometry(), added.batch(), total));
        dequantizeInto(values, total);
        if (scales != null && residual != null && leavingOld > 0) {
            hold(residual, leavingOld, scales, values, total);
        }
        if (scales != null && leaving > leavingOld) {
            hold(added, leaving - leavingOld, scales, values, total);
        }
        residual = joined(residual, leavingOld, added, leaving - leavingOld);
        copy(residual, 0, values.array(), total, coded);
        return new KvTensor(added.geometry(), added.batch(), total, values);
    }

    /** Appends the first tokens of a tensor to the codes, and writes their values behind those of the earlier codes. */
    private void hold(KvTensor source, int tokens, HeldScales scales, ByteBuffer values, int total) {
        if (first == null || latest == null) {
            first = scales;
            latest = scales;
        }
        CodeBlock block = CodeBlock.of(source, tokens, scales, latest.changeTo(scales), values, total, coded);
        latest = scales;
        coded += tokens;
        int last = blocks.size() - 1;
        if (last >= 0 && blocks.get(last).joins(block)) {
            blocks.set(last, blocks.get(last).join(block, scales));
        } else {
            blocks.add(block);
        }
    }

    private void dequantizeInto(ByteBuffer values, int total) {
        int at = 0;
        HeldScales scales = first;
        for (CodeBlock block : blocks) {
            scales = Objects.requireNonNull(scales).with(block.change());
            block.dequantizeInto(values, scales, total, at);
            at += block.tokens();
        }
    }

    /** The new residual window: a copy, so that callers may reuse their buffers. */
    private static KvTensor joined(@Nullable KvTensor old, int fromOld, KvTensor added, int fromAdded) {
        int kept = old == null ? 0 : old.tokens() - fromOld;
        int tokens = kept + added.tokens() - fromAdded;
        byte[] values = new byte[bytes(added.geometry(), added.batch(), tokens)];
        if (old != null) {
            copy(old, fromOld, values, tokens, 0);
        }
        copy(added, fromAdded, values, tokens, kept);
        return new KvTensor(added.geometry(), added.batch(), tokens, ByteBuffer.wrap(values));
    }

    private static void copy(KvTensor from, int token, byte[] to, int total, int at) {
        int width = from.geometry().headDim() * from.geometry().dtype().bytes();
        int count = (from.tokens() - token) * width;
        for (int bh = 0; bh < from.batch() * from.geometry().heads(); bh++) {
            from.values().get((bh * from.tokens() + token) * width, to, (bh * total + at) * width, count);
        }
    }

    private static int bytes(Geometry geometry, int batch, int tokens) {
        return Math.toIntExact(
                (long) batch * tokens * geometry.channels() * geometry.dtype().bytes());
    }

    /** @throws IllegalArgumentException if batch or geometry differ from the tokens held */
    void checkFit(Slot slot, KvTensor added) {
        KvTensor held = residual;
        if (held != null && (held.batch() != added.batch() || !held.geometry().equals(added.geometry()))) {
            throw new IllegalArgumentException(slot + ": the cache holds batch " + held.batch() + " of "
                    + held.geometry() + ", got batch " + added.batch() + " of " + added.geometry());
        }
    }

    long heldBytes() {
        long bytes = residual == null ? 0 : residual.values().capacity();
        if (first != null && latest != null) {
            bytes += first.bytes() + latest.bytes();
        }
        for (CodeBlock block : blocks) {
            bytes += block.heldBytes();
        }
        return bytes;
    }
}
