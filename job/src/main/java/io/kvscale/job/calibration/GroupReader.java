package io.kvscale.job.calibration;

import io.kvscale.input.Split;
import java.io.Serializable;
import java.util.Iterator;
import scala.Tuple2;

/**
 * What a task does with a group of files. Travels to executors.
 *
 * @param <K> the key of the rows that it gives to the shuffle
 * @param <T> what it finds
 */
interface GroupReader<K, T> extends Serializable {
    T read(Split group);

    /** Whether a later run may take it instead of reading: nothing is wrong with the files. */
    boolean mayBeKept(T found);

    byte[] bytes(T found);

    /**
     * What {@link #bytes} wrote in an earlier run.
     *
     * @throws RuntimeException if the bytes are something else
     */
    T kept(byte[] bytes);

    /** Both together; neither may be used afterwards. */
    T merge(T one, T other);

    Iterator<Tuple2<K, byte[]>> rows(T found);
}
