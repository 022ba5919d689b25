package io.kvscale.job.history;

import java.io.IOException;
import java.util.List;

/** Where the lines of a log are. */
interface LineStore {
    /** Bounds the memory of a reader: more than a hundred lines of a model with a hundred layers. */
    int MAX_BYTES = 8 << 20;

    /** Checks that lines can be added, and makes the file or folder. */
    void prepare() throws IOException;

    /** The newest lines, oldest first, as many as {@link #MAX_BYTES} hold. They may be damaged. */
    List<String> newest() throws IOException;

    /**
     * Adds a line, whole or not at all as far as the file system allows. Lines of other runs stay whole.
     *
     * @param line without a line break
     */
    void add(String line) throws IOException;
}
