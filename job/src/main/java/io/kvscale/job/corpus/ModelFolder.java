package io.kvscale.job.corpus;

import java.io.Serializable;
import java.nio.file.Path;

/** Where a model's files are, on whichever machine asks. */
public interface ModelFolder extends Serializable {
    /** The folder on this machine; the files are brought here first if they are not. */
    Path local();
}
