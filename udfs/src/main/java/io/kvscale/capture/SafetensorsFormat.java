package io.kvscale.capture;

import io.kvscale.capture.layout.CaptureOptions;
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
import java.util.Objects;
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
        String maskName = options.mask() == null ? DEFAULT_MASK : options.mask();
        boolean noMask = maskName.equals(CaptureOptions.NO_MASK);
        Map<String, TensorNames.Match> matches = new HashMap<>();
        SafetensorsHeader header = SafetensorsHeader.read(window.stream(file.length()), file.length(), name -> {
            if (!noMask && name.equals(maskName)) {
                return true;
            }
            TensorNames.Match match = rules.match(name, file);
            if (match != null) {
                matches.put(name, match);
            }
            return match != null;
        });
        TokenMask mask = null;
        List<TensorEntry> entries = new ArrayList<>();
        for (TensorEntry entry : header.tensors()) {
            if (!noMask && entry.name().equals(maskName)) {
                mask = MaskReader.read(entry, window);
            } else if (rules.includes(of(entry, matches).layer())) {
                entries.add(entry);
            }
        }
        if (mask == null && options.mask() != null && !noMask && !entries.isEmpty()) {
            throw new InvalidDataException(DataProblem.of(
                    "the file has no tensor '" + DataProblem.shown(maskName) + "', which the recipe names as mask",
                    "correct mask under kvscale in the recipe, or remove it"));
        }
        List<CaptureHeader.Counted> counted = new ArrayList<>();
        List<SlotTensor> tensors = new ArrayList<>();
        Set<Slot> seen = new HashSet<>();
        for (TensorEntry entry : entries) {
            TensorNames.Match match = of(entry, matches);
            String sample = match.connector() ? file.folder() : file.stem();
            TensorShape shape = TensorShape.of(entry, match.part(), options, header.metadata());
            checkMask(mask, shape, entry);
            counted.add(new CaptureHeader.Counted(sample, entry));
            boolean both = match.part() == TensorNames.Part.BOTH;
            long half = (entry.end() - entry.begin()) / 2;
            if (match.part() != TensorNames.Part.VALUE) {
                tensors.add(slot(file, sample, entry, match.layer(), Role.KEY, shape, mask, entry.begin()));
            }
            if (match.part() != TensorNames.Part.KEY) {
                tensors.add(slot(
                        file,
                        sample,
                        entry,
                        match.layer(),
                        Role.VALUE,
                        shape,
                        mask,
                        entry.begin() + (both ? half : 0)));
            }
        }
        for (SlotTensor tensor : tensors) {
            if (!seen.add(tensor.slot())) {
                throw new InvalidDataException(DataProblem.of(
                                "a second tensor of this file holds " + tensor.slot(),
                                "capture each layer's K and V once, or narrow the recipe's patterns")
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

    private static SlotTensor slot(
            InputFile file,
            String sample,
            TensorEntry entry,
            int layer,
            Role role,
            TensorShape shape,
            @Nullable TokenMask mask,
            long begin) {
        KvSource source = new KvSource(
                file.name(), begin, sample, shape.geometry(), shape.batch(), shape.tokens(), shape.tokenMajor(), mask);
        SlotTensor tensor = new SlotTensor(new Slot(layer, role), source, entry.name(), begin);
        if (tensor.byteOf(source.size()) > entry.end()) {
            throw new IllegalStateException(entry + " is shorter than " + shape);
        }
        return tensor;
    }

    private static void checkMask(@Nullable TokenMask mask, TensorShape shape, TensorEntry entry) {
        if (mask != null && (mask.batch() != shape.batch() || mask.tokens() != shape.tokens())) {
            throw new InvalidDataException(DataProblem.of(
                            "the mask is [" + mask.batch() + "," + mask.tokens() + "], this tensor has batch "
                                    + shape.batch() + " and " + shape.tokens() + " tokens",
                            "capture a mask [batch, tokens] that fits, or say mask: none under kvscale in the recipe")
                    .inTensor(entry.name()));
        }
    }

    private static TensorNames.Match of(TensorEntry entry, Map<String, TensorNames.Match> matches) {
        return Objects.requireNonNull(matches.get(entry.name()));
    }
}
