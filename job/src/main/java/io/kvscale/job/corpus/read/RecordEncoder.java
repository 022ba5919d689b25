package io.kvscale.job.corpus.read;

import io.kvscale.job.corpus.plan.ContentHash;
import io.kvscale.job.corpus.plan.EncodedRow;
import io.kvscale.job.corpus.plan.TextSample;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import io.kvscale.text.EncodedText;
import io.kvscale.text.TextEncoder;
import io.kvscale.text.TextRecord;
import java.util.Arrays;

/** Turns records into token ids. Each task has its own. */
final class RecordEncoder implements AutoCloseable {
    private final TextEncoder encoder;
    private final TextSettings settings;
    private final int maxIds;

    /**
     * @param limit maximum number of tokens in a sequence; 0: no limit
     * @throws InvalidDataException if the tokenizer is missing, broken or does not fit the model
     */
    RecordEncoder(TextModel model, TextSettings settings, int limit) {
        this.encoder = TextEncoder.open(model.location().local(), settings.options(), model.vocabulary());
        this.settings = settings;
        boolean all = limit == 0 || settings.windows() || settings.concatenate();
        this.maxIds = all ? Integer.MAX_VALUE : limit;
    }

    /** Encodes a record. A record that cannot be parsed or rendered becomes {@link EncodedRow.Bad}. */
    EncodedRow encode(RawRecord raw) {
        try {
            TextRecord record = raw.parse(settings.options().fields());
            EncodedText text = encoder.encode(record);
            int[] ids = text.ids();
            ContentHash hash = ContentHash.of(settings.seed(), text.rendered());
            return new EncodedRow.Good(
                    new TextSample(raw.name(), hash, ids.length, record.strata()),
                    Arrays.copyOf(ids, Math.min(maxIds, ids.length)));
        } catch (InvalidDataException e) {
            DataProblem problem = e.problem().inFile(raw.place());
            return new EncodedRow.Bad(
                    raw.order(),
                    raw.name().isEmpty() ? problem : problem.inSample(new Sample(raw.name(), Sample.WHOLE)));
        }
    }

    @Override
    public void close() {
        encoder.close();
    }
}
