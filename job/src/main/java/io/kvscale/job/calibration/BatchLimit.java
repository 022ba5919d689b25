package io.kvscale.job.calibration;

import io.kvscale.capture.CaptureFiles;
import io.kvscale.capture.SlotTensor;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.observer.BatchPolicy;
import io.kvscale.quant.ScaleSet;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/**
 * Refuses a corpus whose ranges of single batches fit nowhere, before it is read. It takes the first file for an example of all.
 */
final class BatchLimit {
    /** Statistics are one array. */
    private static final long MAX_BYTES = Integer.MAX_VALUE - (1 << 20);
    /** A file has not so many tensors that fewer files could be too many. */
    private static final int MIN_FILES = 100;
    /** The length of a name and an offset, for each batch in statistics. */
    private static final int KEY_BYTES = 12;
    /** File and offset of a batch between tasks. */
    private static final int PACKED_KEY_BYTES = 2;

    private BatchLimit() {}

    /**
     * @param maxResult the limit of results that Spark sends to the driver, in bytes; 0 for none
     * @throws InvalidOptionException if statistics would be too large
     */
    static void check(List<InputFile> files, Recipe recipe, long maxResult, Configuration configuration) {
        if (files.size() < MIN_FILES
                || recipe.schemes().all().stream()
                        .noneMatch(scheme -> scheme.observer().needsBatches())) {
            return;
        }
        InputFile first = files.get(0);
        long name = first.name().getBytes(StandardCharsets.UTF_8).length;
        long batches = 0;
        long file = 0;
        long packed = name;
        try (CaptureFiles captures = new CaptureFiles(recipe.capture(), configuration, true)) {
            for (SlotTensor tensor : captures.open(new FilePiece(first, 0, first.length()))) {
                Geometry geometry = tensor.source().geometry();
                BatchPolicy policy = ScaleSet.policy(recipe.schemes().of(tensor.slot()), geometry);
                if (policy != null && !policy.lastOnly()) {
                    long ranges = 2L * geometry.channels() / policy.channelsPerScale() * tensor.valueBytes();
                    batches++;
                    file += KEY_BYTES + name + ranges;
                    packed += PACKED_KEY_BYTES + ranges;
                }
            }
        } catch (InvalidDataException e) {
            return; // the pass over all files reports it
        }
        if (batches > 0) {
            check(files.size(), batches, file * files.size(), packed * files.size(), maxResult);
        }
    }

    private static void check(long files, long batches, long file, long packed, long maxResult) {
        String what = "observer minmax keeps the range of every batch: " + files + " files with " + batches
                + " K and V tensors, as the first has, ";
        if (file > MAX_BYTES) {
            throw new InvalidOptionException(
                    what + "need " + file + " bytes of statistics.kvstats, which holds at most " + MAX_BYTES,
                    "calibrate on at most " + MAX_BYTES / (file / files)
                            + " files, or set observer: static_minmax, which keeps one range for all batches");
        }
        if (maxResult > 0 && packed > maxResult) {
            throw new InvalidOptionException(
                    what + "send " + packed + " bytes to the driver, spark.driver.maxResultSize is " + maxResult,
                    "add --conf spark.driver.maxResultSize=" + (packed / (1 << 30) + 2)
                            + "g and give the driver three times as much memory, or set observer: static_minmax");
        }
    }
}
