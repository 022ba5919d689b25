package io.kvscale.input;

import java.io.Serializable;

/**
 * One input file, as the listing found it.
 *
 * @param path where Hadoop finds it
 * @param name its path below the input, with {@code /}; with several inputs, the input's last folder comes first
 * @param root the last folder of the input
 * @param length in bytes
 */
public record InputFile(String path, String name, String root, long length) implements Serializable {
    /** The name without its extension. */
    public String stem() {
        int dot = name.lastIndexOf('.');
        return dot > name.lastIndexOf('/') + 1 ? name.substring(0, dot) : name;
    }

    /** The folder part of the name; {@code root} for a file that lies in the input itself. */
    public String folder() {
        int slash = name.lastIndexOf('/');
        return slash < 0 ? root : name.substring(0, slash);
    }

    /** The name without its folders. */
    public String baseName() {
        return name.substring(name.lastIndexOf('/') + 1);
    }
}
