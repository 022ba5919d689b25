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
}
