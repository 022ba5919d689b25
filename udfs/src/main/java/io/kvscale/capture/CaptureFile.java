package io.kvscale.capture;

import io.kvscale.tensor.Sample;
import java.io.Serializable;

/**
 * One file of the corpus, as the listing shows it.
 *
 * @param path where Hadoop finds it
 * @param name its path below the input, with {@code /}; with several inputs, the input's last folder comes first
 * @param root the last folder of the input, which names a request whose files lie in the input itself
 * @param length in bytes
 */
public record CaptureFile(String path, String name, String root, long length) implements Serializable {
    /** Whether it is named like a table, whose rows name their samples; what it is, only its content says. */
    boolean isTable() {
        return isNamed(InputFormat.ARROW);
    }

    private boolean isNamed(InputFormat format) {
        return InputFormat.ofFile(name).filter(format::equals).isPresent();
    }

    /**
     * Whether a sample up to {@code name}, in the order of samples, may be in the file. Only safetensors files, which
     * are named so, are samples by their own names.
     */
    public boolean mayHoldUpTo(String name) {
        return !isNamed(InputFormat.SAFETENSORS)
                || Sample.compareUtf8(sample(), name) <= 0
                || Sample.compareUtf8(request(), name) <= 0;
    }

    /** The sample that the file is, unless its rows name their own: its name without extension. */
    public String sample() {
        int dot = name.lastIndexOf('.');
        return dot > name.lastIndexOf('/') + 1 ? name.substring(0, dot) : name;
    }

    /** The request that the file is a layer of: its folder. */
    public String request() {
        int slash = name.lastIndexOf('/');
        return slash < 0 ? root : name.substring(0, slash);
    }

    /** False only where the file's name shows that none of its rows is wanted; a table names its samples itself. */
    public boolean mayHold(RowFilter filter) {
        return !isNamed(InputFormat.SAFETENSORS)
                || filter.mayInclude(sample())
                || (TensorNames.isConnectorFile(this) && filter.mayInclude(request()));
    }
}
