package io.kvscale.capture;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.TensorNames;
import io.kvscale.input.BlockWindow;
import io.kvscale.input.Blocks;
import io.kvscale.input.ByteSource;
import io.kvscale.input.FileOpener;
import io.kvscale.input.InputFile;
import io.kvscale.safetensors.SafetensorsHeader;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/** Explains why a capture holds no K or V: names its tensors, and patterns for those that look like K and V. */
public final class ForeignCapture {
    private static final int NAMED = 3;

    /** Bounds the memory for names. */
    private static final int MAX_NAMES = 20_000;

    private ForeignCapture() {}

    /**
     * The problem of a corpus without any K or V.
     *
     * @param file its first file
     * @return null if the file is no safetensors file: the rows of tables say their layer and role
     */
    public static @Nullable DataProblem problem(InputFile file, CaptureOptions options, Configuration configuration) {
        List<String> names = new ArrayList<>();
        SafetensorsHeader header;
        try (ByteSource source = new FileOpener(configuration).open(file)) {
            BlockWindow window = new BlockWindow(source, new Blocks().blockFor(source), true);
            header = SafetensorsHeader.read(window.stream(file.length()), file.length(), name -> {
                if (names.size() < MAX_NAMES) {
                    names.add(name);
                }
                return false;
            });
        } catch (InvalidDataException | IOException e) {
            return null;
        }
        return describe(names, header.tensorCount(), file, options);
    }

    private static DataProblem describe(List<String> names, long count, InputFile file, CaptureOptions options) {
        TensorNames known = new TensorNames(options);
        List<String> excluded =
                names.stream().filter(name -> isKnown(known, name, file)).toList();
        List<String> shown = excluded.isEmpty() ? names : excluded;
        NameGuess guess = excluded.isEmpty() ? NameGuess.of(names) : null;
        String some = shown.stream()
                .limit(NAMED)
                .map(DataProblem::shown)
                .reduce((a, b) -> a + ", " + b)
                .orElse("no tensor");
        return DataProblem.of(
                        "no K or V of any layer was found; the first file holds " + some
                                + (count > NAMED ? " and " + (count - NAMED) + " other tensors" : ""),
                        guess != null
                                ? "if these are K and V, write in the recipe: kvscale: {key: {tensors: '" + guess.keys()
                                        + "'}, value: {tensors: '" + guess.values() + "'}}"
                                : excluded.isEmpty()
                                        ? "name its K and V with key.tensors and value.tensors under kvscale in the recipe"
                                        : "targets and ignore of the recipe leave out every layer: correct them")
                .inFile(file.name());
    }

    private static boolean isKnown(TensorNames known, String name, InputFile file) {
        try {
            return known.match(name, file) != null;
        } catch (InvalidDataException e) {
            return false;
        }
    }
}
