package io.kvscale.task;

import io.kvscale.capture.CaptureFiles;
import io.kvscale.capture.SlotTensor;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.LikelyLayout;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * Tells by values whether axes were taken for others. Neighboring tokens of a head are alike, different heads of a token are
 * not. If the heads that were read are alike, they are tokens.
 *
 * <p>Reads the beginning of the tensors of a few files. Gives no answer where these show too little.
 */
public final class HeadLikeness {
    private static final int FILES = 4;
    private static final int TENSORS = 8;
    private static final int VALUES = 1 << 15;

    /** Least median cosine of neighboring heads that are tokens. In SmolLM2 tokens have 0.84 and 0.28, heads 0.0. */
    private static final double ALIKE_KEYS = 0.5;

    private static final double ALIKE_VALUES = 0.1;

    /** So much more alike than the tokens that were read. */
    private static final double MARGIN = 0.1;

    private final CaptureOptions options;
    private final List<VectorPairs> keys = new ArrayList<>();
    private final List<VectorPairs> values = new ArrayList<>();
    private @Nullable SlotTensor first;

    private HeadLikeness(CaptureOptions options) {
        this.options = options;
    }

    /**
     * The problem of captures that were read in a wrong layout beyond doubt; null if there is none, or files are bad.
     *
     * @param options of a corpus without a config.json, which would tell by shapes alone
     */
    public static @Nullable DataProblem problem(
            List<InputFile> files, CaptureOptions options, Configuration configuration) {
        try {
            return judge(files, options, configuration);
        } catch (InvalidDataException e) {
            return null; // the pass over all files reports it
        }
    }

    /**
     * As {@link #problem}.
     *
     * @throws InvalidDataException if one of the {@link #first} files is bad
     */
    public static @Nullable DataProblem judge(
            List<InputFile> files, CaptureOptions options, Configuration configuration) {
        HeadLikeness likeness = new HeadLikeness(options);
        try (CaptureFiles reader = new CaptureFiles(options, configuration, true)) {
            for (InputFile file : first(files)) {
                likeness.add(reader, file);
            }
        }
        return options.kvHeads() > 0 ? likeness.repeated() : likeness.wrong();
    }

    /** The files that are looked at. */
    public static List<InputFile> first(List<InputFile> files) {
        return files.subList(0, Math.min(FILES, files.size()));
    }

    private void add(CaptureFiles reader, InputFile file) {
        List<SlotTensor> tensors = reader.open(new FilePiece(file, 0, file.length())).stream()
                .filter(tensor -> tensor.slot().role().isCached())
                .limit(TENSORS)
                .toList();
        for (SlotTensor tensor : tensors) {
            KvSource source = tensor.source();
            VectorPairs pairs = new VectorPairs(source, VALUES);
            reader.read(tensor, 0, pairs.size(), tensor.byteOf(pairs.size()), pairs::add);
            first = first == null ? tensor : first;
            (tensor.slot().role() == Role.KEY ? keys : values).add(pairs);
        }
    }

    /** The problem of query heads that were merged and then divided into the KV heads of the recipe. */
    private @Nullable DataProblem repeated() {
        int most = Integer.MAX_VALUE;
        for (VectorPairs pairs : keys) {
            most = Math.min(most, pairs.repeats());
        }
        for (VectorPairs pairs : values) {
            most = Math.min(most, pairs.repeats());
        }
        SlotTensor shown = first;
        if (shown == null || most == 1) {
            return null;
        }
        int headDim = shown.source().geometry().headDim();
        return placed(
                shown,
                "each head of " + headDim + " values holds the same " + headDim / most + " values " + most
                        + " times: this looks like K and V repeated to the query heads",
                "capture them before repeat_kv, as the cache holds them");
    }

    private @Nullable DataProblem wrong() {
        double keyHeads = median(keys, true);
        double valueHeads = median(values, true);
        double keyTokens = median(keys, false);
        boolean alike = keyHeads >= ALIKE_KEYS
                && valueHeads >= ALIKE_VALUES
                && !(keyHeads - keyTokens < MARGIN)
                && !(valueHeads - median(values, false) < MARGIN);
        SlotTensor shown = first;
        if (!alike || shown == null) {
            return null;
        }
        KvSource source = shown.source();
        LikelyLayout likely = options.layout() != null
                ? LikelyLayout.insteadOf(options.layout())
                : LikelyLayout.of(
                        source.tokenMajor(), source.tokens(), source.geometry().headDim());
        return placed(
                shown,
                "this tensor was read as " + source.geometry().heads() + " KV heads of " + source.tokens()
                        + (source.tokens() == 1 ? " token" : " tokens")
                        + ", but its heads are as alike as tokens are (cosine "
                        + String.format(Locale.ROOT, "%.2f", keyHeads)
                        + " for K): it looks like " + likely.axes(),
                likely.remedy()
                        + ". If the shape is right, name the model's config.json with --model-config, or set kv_heads");
    }

    private static DataProblem placed(SlotTensor tensor, String what, String remedy) {
        DataProblem problem = DataProblem.of(what, remedy)
                .inSlot(tensor.slot())
                .inTensor(tensor.name())
                .inFile(tensor.source().file());
        @Nullable Sample sample = tensor.source().origin(0).sample();
        return sample == null ? problem : problem.inSample(sample);
    }

    /** NaN if there is none. */
    private static double median(List<VectorPairs> tensors, boolean heads) {
        double[] sorted = tensors.stream()
                .mapToDouble(heads ? VectorPairs::heads : VectorPairs::tokens)
                .filter(Double::isFinite)
                .sorted()
                .toArray();
        return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
    }
}
