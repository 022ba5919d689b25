package io.kvscale.task;

import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;

/**
 * Looks for padding at the ends of samples: for zeros in all slots, for equal tokens in V of layer 0. Reads a few values of
 * head 0.
 *
 * <p>A suspicion may be false where a tensor is cut between tasks. It is never missed. Not thread-safe.
 */
final class EndScreen {
    private static final Slot EMBEDDED = new Slot(0, Role.VALUE);

    private final Run head = new Run();
    private final Run tail = new Run();
    private boolean zeroEnds;
    private boolean equalEnds;

    /** The first value of each token within a few tokens at an end. */
    private static final class Run {
        private boolean any;
        private boolean differs;
        private int bits;

        void add(TensorPiece piece, long element) {
            if (piece.holds(element)) {
                int next = piece.bits(element);
                differs |= any && bits != next;
                any = true;
                bits = next;
            }
        }

        boolean ended() {
            boolean alike = any && !differs;
            any = false;
            differs = false;
            return alike;
        }
    }

    /** Whether equal tokens at the ends of a row are looked for. */
    static boolean looksForEqualTokens(Slot slot, KvSource tensor, int row) {
        return slot.equals(EMBEDDED) && tensor.lastReal(row) - tensor.firstReal(row) + 1 >= TokenEnds.PADDING;
    }

    /** Looks at a piece of a row that has real tokens. */
    void observe(TensorPiece piece, int row, boolean equalTokens) {
        KvSource tensor = piece.source;
        int first = tensor.firstReal(row);
        int last = tensor.lastReal(row);
        zeroEnds |= piece.isZero(tensor.elementOf(row, first)) || piece.isZero(tensor.elementOf(row, last));
        for (int i = 0; equalTokens && i < TokenEnds.PADDING; i++) {
            head.add(piece, tensor.elementOf(row, first + i));
            tail.add(piece, tensor.elementOf(row, last - i));
        }
    }

    /** Ends a row in which equal tokens were looked for. */
    void finish() {
        equalEnds |= head.ended();
        equalEnds |= tail.ended();
    }

    Suspicion suspicion() {
        return new Suspicion(zeroEnds, equalEnds);
    }
}
