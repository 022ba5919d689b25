package io.kvscale.observer;

import io.kvscale.tensor.KvSource;

/** Sees what {@link SlotStatistics#update} finds in one row of the batch within one chunk. */
public interface PieceListener {
    /** The sizes of channels, valid during the call. */
    interface Sizes {
        /**
         * The maximum |x| over the finite values; 0 if there are none.
         *
         * @param channel head * head_dim + d
         */
        float of(int channel);
    }

    /** @param values number of values found, padding left out */
    void piece(KvSource source, int row, long values, Sizes sizes);
}
