package io.kvscale.job.command;

import io.kvscale.job.target.ScaleExporter;
import io.kvscale.job.target.Targets;
import io.kvscale.tensor.DataProblem;
import java.util.Iterator;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The value of {@code --for}: the word of a target. */
final class TargetWord implements ITypeConverter<ScaleExporter> {
    /** The words that help lists. */
    static final class All implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Targets.ALL.stream().map(ScaleExporter::target).iterator();
        }
    }

    @Override
    public ScaleExporter convert(String word) {
        return Targets.ALL.stream()
                .filter(exporter -> exporter.target().equals(word))
                .findFirst()
                .orElseThrow(() -> new TypeConversionException("'" + DataProblem.shown(word)
                        + "' is not a target; the targets are "
                        + Targets.ALL.stream().map(ScaleExporter::target).collect(Collectors.joining(", "))));
    }
}
