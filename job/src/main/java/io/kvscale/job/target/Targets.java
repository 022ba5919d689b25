package io.kvscale.job.target;

import java.util.List;

/** The targets of {@code kvscale export}. */
public final class Targets {
    /** All exporters, in the order in which they are listed. Add a new one here. */
    public static final List<ScaleExporter> ALL = List.of(
            new VllmExporter(),
            new SglangExporter(),
            ModelOptExporter.tensorRtLlm(),
            new ColdPagesExporter(),
            ModelOptExporter.modelOpt(),
            new LayerwiseModelOptExporter());

    /** Those whose files {@code calibrate} and {@code scales} write, each into a folder of its target's name. */
    public static final List<ScaleExporter> OF_RESULTS = List.of(new VllmExporter());

    private Targets() {}
}
