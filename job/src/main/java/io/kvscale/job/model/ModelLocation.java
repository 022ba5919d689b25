package io.kvscale.job.model;

import java.io.Serializable;
import java.nio.file.Path;

/** Where a model's files are, on whichever machine asks. */
public interface ModelLocation extends Serializable {
    /** The folder on this machine; the files are brought here first if they are not. */
    Path local();
}
