package io.kvscale.capture.rows;

import io.kvscale.tensor.Slot;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/** Selects rows of captures. */
public interface RowFilter extends Serializable {
    /** @param sample null if the row names no sample */
    boolean includes(@Nullable String sample, Slot slot);

    /** False only if no row of this sample, or of a batch with this name ({@code name#row}), is selected. */
    boolean mayInclude(String sample);

    /** Selects every row. */
    static RowFilter all() {
        return new RowFilter() {
            private static final long serialVersionUID = 1L;

            @Override
            public boolean includes(@Nullable String sample, Slot slot) {
                return true;
            }

            @Override
            public boolean mayInclude(String sample) {
                return true;
            }
        };
    }
}
