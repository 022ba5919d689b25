package io.kvscale.job.model;

import java.io.Serializable;
import java.nio.file.Path;

/** Locates a model's files on the driver and on executors. */
public interface ModelLocation extends Serializable {
    /** The folder on this machine. Copies the files here first if needed. */
    Path local();
}
