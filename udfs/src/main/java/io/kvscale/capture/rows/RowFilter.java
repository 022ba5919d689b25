package io.kvscale.capture.rows;

import io.kvscale.tensor.Slot;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/** Which rows of captures are wanted. */
public interface RowFilter extends Serializable {
    /** @param sample null where the row names none */
    boolean includes(@Nullable String sample, Slot slot);

    /** False only where no row of this sample, nor of a batch of that name ({@code name#row}), can be wanted. */
    boolean mayInclude(String sample);

    /** Every row. */
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
