package io.kvscale.capture;

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
    private static final String SAFETENSORS = ".safetensors";

    /** The sample that the file is: its name without extension. */
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
        return !name.endsWith(SAFETENSORS)
                || filter.mayInclude(sample())
                || (TensorNames.isConnectorFile(this) && filter.mayInclude(request()));
    }
}
