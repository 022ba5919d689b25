package io.kvscale.job.calibration;

import io.kvscale.observer.evidence.MixedRotation;
import io.kvscale.observer.evidence.MixedRotation.OfSample;
import io.kvscale.observer.evidence.PairWins;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Origin;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Warns of samples that RoPE did not turn as it turned others. */
record MixedSamples(MixedRotation mixed, boolean keysBeforeRope) {
    private static final int NAMED = 3;

    List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        if (!mixed.swapped().isEmpty()) {
            warnings.add("K and V look swapped in " + counted(mixed.swapped())
                    + ": there V looks rotated by RoPE and K does not " + figures(mixed.swapped())
                    + ". Check the names in these captures");
        }
        if (!mixed.still().isEmpty() && !keysBeforeRope) {
            warnings.add("K does not look rotated by RoPE in " + counted(mixed.still()) + " " + figures(mixed.still())
                    + ". Capture K of these samples after RoPE");
        }
        return warnings;
    }

    private String counted(List<OfSample> samples) {
        String names =
                samples.stream().limit(NAMED).map(one -> name(one.origin())).collect(Collectors.joining(", "));
        return samples.size() + " of " + mixed.samples() + " samples (" + names
                + (samples.size() > NAMED ? ", ..." : "") + ")";
    }

    private String figures(List<OfSample> samples) {
        return "(the channels that RoPE pairs are the more equal ones in " + share(samples, OfSample::key)
                + " of cases in K, " + share(samples, OfSample::value) + " in V; in other samples "
                + percent(mixed.rotated()) + " in K)";
    }

    private String share(List<OfSample> samples, Function<OfSample, PairWins> role) {
        return percent(samples.stream().map(role).reduce(PairWins.NONE, PairWins::plus));
    }

    private String percent(PairWins wins) {
        return String.format(Locale.ROOT, "%.0f %%", 100 * wins.share(mixed.pairing()));
    }

    private static String name(Origin origin) {
        return DataProblem.shown(
                origin.sample() == null ? origin.file() : origin.sample().toString());
    }
}
