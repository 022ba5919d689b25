package io.kvscale.job.corpus.read;

import io.kvscale.job.corpus.plan.ContentHash;
import io.kvscale.job.corpus.plan.EncodedRow;
import io.kvscale.job.corpus.plan.TextSample;
import io.kvscale.job.model.Encoders;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import io.kvscale.text.EncodedText;
import java.util.Arrays;

/** Turns records into token ids, in one task. */
final class RecordTask implements AutoCloseable {
    private final Encoders.Encoder encoder;
    private final TextSettings settings;
    private final int kept;

    /** @param limit the most tokens of a sequence; 0: none */
    RecordTask(Encoders encoders, TextSettings settings, int limit) {
        this.encoder = encoders.open();
        this.settings = settings;
        boolean all = limit == 0 || settings.windows() || settings.concatenate();
        this.kept = all ? Integer.MAX_VALUE : limit;
    }

    /** @param order what the first of several bad records is told by */
    EncodedRow encode(RawText raw, String order) {
        try {
            EncodedText text = encoder.encode(raw.content().record(encoder));
            int[] ids = text.ids();
            ContentHash hash = ContentHash.of(settings.seed(), text.rendered());
            return new EncodedRow.Good(
                    new TextSample(raw.name(), hash, ids.length), Arrays.copyOf(ids, Math.min(kept, ids.length)));
        } catch (InvalidDataException e) {
            DataProblem problem = e.problem().inFile(raw.place());
            return new EncodedRow.Bad(
                    order, raw.name().isEmpty() ? problem : problem.inSample(new Sample(raw.name(), Sample.WHOLE)));
        }
    }

    @Override
    public void close() {
        encoder.close();
    }
}
