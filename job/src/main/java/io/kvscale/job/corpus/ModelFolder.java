package io.kvscale.job.corpus;

import java.io.Serializable;
import java.nio.file.Path;

/** A model's folder wherever a task runs. */
public interface ModelFolder extends Serializable {
    /** The folder on this machine, brought here if need be. */
    Path local();
}
