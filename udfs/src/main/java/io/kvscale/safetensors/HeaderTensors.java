package io.kvscale.safetensors;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The tensors of a header while it is read: checks that they cover the data, and keeps the wanted ones. */
final class HeaderTensors {
    private static final int SOME_NAMES = 8;

    private static final Comparator<TensorEntry> FILE_ORDER = Comparator.comparingLong(TensorEntry::begin)
            .thenComparingLong(TensorEntry::end)
            .thenComparing(TensorEntry::name, Sample::compareUtf8);

    private final long dataStart;
    private final Predicate<String> wanted;
    private final @Nullable List<TensorEntry> all;
    private final List<TensorEntry> tensors = new ArrayList<>();
    private final List<String> someNames = new ArrayList<>();
    private final Spans spans = new Spans();
    private long tensorCount;

    /**
     * @param dataStart where the data begins, in bytes from the start of the file
     * @param all gets all tensors in the order of the header; null if nobody needs them
     */
    HeaderTensors(long dataStart, Predicate<String> wanted, @Nullable List<TensorEntry> all) {
        this.dataStart = dataStart;
        this.wanted = wanted;
        this.all = all;
    }

    /** Adds a tensor whose own fields are checked. */
    void add(TensorEntry entry) {
        String name = entry.name();
        tensorCount++;
        if (all != null) {
            all.add(entry);
        }
        spans.add(name, entry.begin() - dataStart, entry.end() - dataStart);
        if (!wanted.test(name)) {
            if (someNames.size() < SOME_NAMES) {
                someNames.add(DataProblem.shown(name));
            }
        } else if (tensors.size() == SafetensorsHeader.MAX_WANTED) {
            throw new InvalidDataException(DataProblem.of(
                            "expected at most " + SafetensorsHeader.MAX_WANTED + " tensors of interest, got more",
                            "split the file, or match fewer tensors with key.tensors and value.tensors of the recipe")
                    .inTensor(name));
        } else {
            tensors.add(entry);
        }
    }

    /**
     * The header, after all tensors were added.
     *
     * @throws InvalidDataException if the tensors overlap or leave a hole
     */
    SafetensorsHeader header(long dataLength, Map<String, String> metadata) {
        spans.check(dataLength);
        tensors.sort(FILE_ORDER);
        return new SafetensorsHeader(dataStart, List.copyOf(tensors), tensorCount, List.copyOf(someNames), metadata);
    }
}
