package io.kvscale.job.command;

import io.kvscale.job.target.ScaleExporter;
import io.kvscale.job.target.Targets;
import java.util.Iterator;
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
        try {
            return Targets.named(word);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
