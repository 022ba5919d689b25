package io.kvscale.job.corpus.read;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.kvscale.job.model.Encoders;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.text.EncodedText;
import io.kvscale.text.TextRecord;

/** A character is a token. */
final class StubEncoders implements Encoders {
    private static final long serialVersionUID = 1L;

    private final String field;

    StubEncoders(TextSettings settings) {
        this.field = settings.options().fields().text();
    }

    @Override
    public Encoder open() {
        return new Encoder() {
            @Override
            public TextRecord record(String json) {
                JsonNode text;
                try {
                    text = new JsonMapper().readTree(json).path(field);
                } catch (JsonProcessingException e) {
                    throw new InvalidDataException(DataProblem.of("broken JSON", "mend it"), e);
                }
                if (!text.isTextual() || text.asText().isEmpty()) {
                    throw new InvalidDataException(DataProblem.of("no text", "add one"));
                }
                return new TextRecord.Plain(text.asText());
            }

            @Override
            public TextRecord row(String json) {
                return record(json);
            }

            @Override
            public EncodedText encode(TextRecord record) {
                String text = ((TextRecord.Plain) record).text();
                return new EncodedText(text, text.chars().toArray());
            }

            @Override
            public void close() {}
        };
    }
}
