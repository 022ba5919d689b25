package io.kvscale.job.target;

import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.stream.Collectors;

/** The targets of {@code kvscale export}. */
public final class Targets {
    /** All exporters, in the order in which they are listed. Add a new one here. */
    public static final List<ScaleExporter> ALL = List.of(
            new VllmExporter(),
            new SglangExporter(),
            ModelOptExporter.tensorRtLlm(),
            new ColdPagesExporter(),
            ModelOptExporter.modelOpt(),
            new LayerwiseModelOptExporter(),
            new OrtGenAiExporter(),
            new VllmAscendExporter(),
            new LmDeployAscendExporter(),
            new TgiExporter(),
            new TableExporter());

    /** Those whose files {@code calibrate} and {@code scales} write, each into a folder of its target's name. */
    public static final List<ScaleExporter> OF_RESULTS = List.of(new VllmExporter());

    private Targets() {}

    /**
     * The exporter of a target.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static ScaleExporter named(String target) {
        return ALL.stream()
                .filter(exporter -> exporter.target().equals(target))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("'" + DataProblem.shown(target)
                        + "' is not a target; the targets are "
                        + ALL.stream().map(ScaleExporter::target).collect(Collectors.joining(", "))));
    }

    /**
     * The error for a table that a target cannot hold. It names the targets that can.
     *
     * @param refusal the reason, with the slot
     */
    public static InvalidDataException refused(ScaleTable table, String refusal) {
        List<String> others = ALL.stream()
                .filter(exporter -> exporter.refusal(exporter.readable(table)) == null)
                .map(ScaleExporter::target)
                .toList();
        return new InvalidDataException(
                refusal,
                others.isEmpty()
                        ? "no target can hold these scales: derive others with kvscale scales"
                        : "targets that can: " + String.join(", ", others)
                                + "; or derive other scales with kvscale scales");
    }
}
