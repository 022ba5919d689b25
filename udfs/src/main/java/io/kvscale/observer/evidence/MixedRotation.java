package io.kvscale.observer.evidence;

import io.kvscale.model.config.Rotary.Pairing;
import io.kvscale.tensor.Origin;
import java.io.Serializable;
import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The samples of a corpus that RoPE did not turn as it turned others: K and V are swapped, or K was captured before RoPE.
 *
 * @param pairing the pairing that shows most
 * @param rotated K of the samples whose K looks rotated, and V does not
 * @param swapped the samples whose V looks rotated, and K does not
 * @param still the samples of which neither looks rotated
 * @param samples number of samples that were compared
 */
public record MixedRotation(
        Pairing pairing, PairWins rotated, List<OfSample> swapped, List<OfSample> still, int samples) {

    /** The comparisons of one sample. */
    public record OfSample(Origin origin, PairWins key, PairWins value) implements Serializable {
        /** Adds other layers of the same sample. */
        public OfSample plus(OfSample other) {
            return new OfSample(origin, key.plus(other.key), value.plus(other.value));
        }

        private boolean isRight(Pairing pairing) {
            return key.isRotated(pairing) && !value.isRotated(pairing);
        }

        private boolean isSwapped(Pairing pairing) {
            return value.isRotated(pairing) && !key.isRotated(pairing);
        }

        private boolean isStill(Pairing pairing, PairWins rotated) {
            return !value.isRotated(pairing) && key.isStill(pairing, rotated);
        }
    }

    /** The samples that differ from others; null if there are none, or if nothing tells which ones are right. */
    public static @Nullable MixedRotation of(Collection<OfSample> samples) {
        Pairing pairing =
                clear(samples, Pairing.NEIGHBORS) > clear(samples, Pairing.HALVES) ? Pairing.NEIGHBORS : Pairing.HALVES;
        PairWins rotated = all(samples, one -> one.isRight(pairing)).stream()
                .map(OfSample::key)
                .reduce(PairWins.NONE, PairWins::plus);
        List<OfSample> swapped = all(samples, one -> one.isSwapped(pairing));
        List<OfSample> still = all(samples, one -> one.isStill(pairing, rotated));
        return rotated.equals(PairWins.NONE) || swapped.isEmpty() && still.isEmpty()
                ? null
                : new MixedRotation(pairing, rotated, swapped, still, samples.size());
    }

    private static int clear(Collection<OfSample> samples, Pairing pairing) {
        return all(samples, one -> one.isRight(pairing) || one.isSwapped(pairing))
                .size();
    }

    private static List<OfSample> all(Collection<OfSample> samples, Predicate<OfSample> wanted) {
        return samples.stream().filter(wanted).toList();
    }
}
