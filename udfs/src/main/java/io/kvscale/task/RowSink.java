package io.kvscale.task;

import io.kvscale.capture.layout.KvTableRow;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Receives the rows of a table of K and V. */
public interface RowSink {
    /** @param values little-endian values; null to read only the row's other columns */
    void row(KvTableRow row, @Nullable ByteBuffer values);
}
