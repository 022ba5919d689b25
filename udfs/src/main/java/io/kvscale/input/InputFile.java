package io.kvscale.input;

import java.io.Serializable;

/**
 * An input file, as the listing found it.
 *
 * @param path the path for Hadoop
 * @param name the path below the input, with {@code /}; with several inputs, prefixed by the input's last folder
 * @param root the name of the input's last folder
 * @param length in bytes
 */
public record InputFile(String path, String name, String root, long length) implements Serializable {
    /** The name without its extension. */
    public String stem() {
        int dot = name.lastIndexOf('.');
        return dot > name.lastIndexOf('/') + 1 ? name.substring(0, dot) : name;
    }

    /** The folders of the name; {@code root} for a file directly in the input. */
    public String folder() {
        int slash = name.lastIndexOf('/');
        return slash < 0 ? root : name.substring(0, slash);
    }

    /** The name without its folders. */
    public String baseName() {
        return name.substring(name.lastIndexOf('/') + 1);
    }
}
