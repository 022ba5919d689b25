package io.kvscale.capture;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.LikelyLayout;
import io.kvscale.capture.layout.TensorNames;
import io.kvscale.capture.layout.TensorShape;
import io.kvscale.input.BlockWindow;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.safetensors.SafetensorsHeader;
import io.kvscale.safetensors.TensorEntry;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import io.kvscale.tensor.TokenMask;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** safetensors: the tensors' names say which of them are K and V of which layer. */
final class SafetensorsFormat extends CaptureFormat {
    private static final String DEFAULT_MASK = "attention_mask";

    SafetensorsFormat() {
        super("safetensors", ".safetensors");
    }

    @Override
    boolean fileNamesSample() {
        return true;
    }

    /** The file begins with the length of its header. */
    @Override
    boolean recognizes(long start) {
        return start >= 0 && start <= SafetensorsHeader.MAX_HEADER_BYTES;
    }

    @Override
    CaptureHeader read(long start, FilePiece piece, BlockWindow window, CaptureRules rules) throws IOException {
        InputFile file = piece.file();
        CaptureOptions options = rules.options();
        String named = options.mask() == null ? DEFAULT_MASK : options.mask();
        @Nullable String maskName = named.equals(CaptureOptions.NO_MASK) ? null : named;
        Map<String, TensorNames.Match> matches = new HashMap<>();
        PatternBudget budget = new PatternBudget();
        SafetensorsHeader header = rules.headers().read(window.stream(file.length()), file.length(), name -> {
            if (name.equals(maskName)) {
                return true;
            }
            TensorNames.Match match = rules.names().match(name, file, budget);
            if (match != null) {
                matches.put(name, match);
            }
            return match != null;
        });
        TokenMask mask = null;
        List<TensorEntry> entries = new ArrayList<>();
        List<TensorNames.Match> parts = new ArrayList<>();
        for (TensorEntry entry : header.tensors()) {
            TensorNames.Match match = matches.get(entry.name());
            if (match == null) {
                mask = MaskReader.read(entry, window);
            } else if (rules.layers().includes(match.layer())) {
                entries.add(entry);
                parts.add(match);
            }
        }
        if (mask == null && options.mask() != null && maskName != null && !entries.isEmpty()) {
            throw new InvalidDataException(
                    "the file has no tensor '" + DataProblem.shown(maskName) + "', which the recipe sets as mask",
                    "correct mask under kvscale in the recipe, or remove it");
        }
        List<CaptureHeader.Counted> counted = new ArrayList<>();
        List<SlotTensor> tensors = new ArrayList<>();
        Set<Slot> seen = new HashSet<>();
        String name = file.name();
        String stem = file.stem();
        for (int n = 0; n < entries.size(); n++) {
            TensorEntry entry = entries.get(n);
            TensorNames.Match match = parts.get(n);
            String sample = match.connector() ? file.folder() : stem;
            TensorShape shape = TensorShape.of(entry, match.part(), match.layer(), options, header.metadata());
            checkMask(mask, shape, entry);
            counted.add(new CaptureHeader.Counted(sample, entry));
            List<Role> roles = match.part().roles();
            for (int i = 0; i < roles.size(); i++) {
                long begin = entry.begin() + i * entry.bytes() / roles.size();
                KvSource source = shape.source(name, begin, sample, mask, false);
                SlotTensor tensor = new SlotTensor(new Slot(match.layer(), roles.get(i)), source, entry.name(), begin);
                if (tensor.byteOf(source.size()) > entry.end()) {
                    throw new IllegalStateException(entry + " is shorter than " + shape);
                }
                tensors.add(tensor);
            }
        }
        for (SlotTensor tensor : tensors) {
            if (!seen.add(tensor.slot())) {
                throw new InvalidDataException(DataProblem.of(
                                "two tensors of this file hold " + tensor.slot(),
                                "capture K and V of each layer once, or narrow key.tensors and value.tensors of the recipe")
                        .inTensor(tensor.name())
                        .inSlot(tensor.slot()));
            }
        }
        return new CaptureHeader(
                tensors,
                counted,
                entries.isEmpty(),
                mask != null,
                header.tensorCount() - header.tensors().size(),
                header.someNames());
    }

    private static void checkMask(@Nullable TokenMask mask, TensorShape shape, TensorEntry entry) {
        if (mask != null && (mask.batch() != shape.batch() || mask.tokens() != shape.tokens())) {
            @Nullable LikelyLayout likely = LikelyLayout.ofMask(mask, shape);
            throw new InvalidDataException(DataProblem.of(
                            "the mask has shape [" + mask.batch() + "," + mask.tokens() + "], this tensor has batch "
                                    + shape.batch() + " and " + shape.tokens() + " tokens",
                            likely == null
                                    ? "capture a mask [batch, tokens] of that size, or set mask: none under kvscale in"
                                            + " the recipe"
                                    : "this looks like " + likely.axes() + ": " + likely.remedy())
                    .inTensor(entry.name()));
        }
    }
}
