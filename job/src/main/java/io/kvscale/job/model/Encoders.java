package io.kvscale.job.model;

import io.kvscale.job.recipe.TextSettings;
import io.kvscale.text.EncodedText;
import io.kvscale.text.TextEncoder;
import io.kvscale.text.TextRecord;
import java.io.Serializable;

/** Gives every task what turns its records into token ids. */
public interface Encoders extends Serializable {
    Encoder open();

    /** As {@link TextRecord} and {@link TextEncoder} are. */
    interface Encoder extends AutoCloseable {
        /** @throws io.kvscale.tensor.InvalidDataException if it is no record; without a place */
        TextRecord record(String json);

        /** Likewise of a table's row. */
        TextRecord row(String json);

        /** @throws io.kvscale.tensor.InvalidDataException if nothing can be made of the record; without a place */
        EncodedText encode(TextRecord record);

        @Override
        void close();
    }

    /** The tokenizer and chat template of a model. */
    static Encoders of(ModelLocation model, TextSettings settings, int vocabulary) {
        return () -> {
            TextEncoder encoder = TextEncoder.open(model.local(), settings.options(), vocabulary);
            return new Encoder() {
                @Override
                public TextRecord record(String json) {
                    return TextRecord.ofJson(json, settings.options().fields());
                }

                @Override
                public TextRecord row(String json) {
                    return TextRecord.ofRow(json, settings.options().fields());
                }

                @Override
                public EncodedText encode(TextRecord record) {
                    return encoder.encode(record);
                }

                @Override
                public void close() {
                    encoder.close();
                }
            };
        };
    }
}
