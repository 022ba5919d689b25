package io.kvscale.job.corpus.read;

import io.kvscale.job.model.Encoders;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.text.TextRecord;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A text as it lies in its file or table.
 *
 * @param name of the sample; empty for a table's row
 * @param place for messages: the file, and which line of it, or the row
 */
record RawText(String name, String place, Content content) {
    /** The most bytes of a record, escapes and all other fields included: few enough to hold. */
    static final int MAX_BYTES = 64 << 20;

    private static final DataProblem NOT_UTF8 = DataProblem.of(
            "the text is not valid UTF-8", "save it with the encoding UTF-8, or allow for it with max_bad_records");

    /** What there is. */
    sealed interface Content {
        /** @throws InvalidDataException if it is no record; without a place */
        TextRecord record(Encoders.Encoder encoder);
    }

    /** A file of text. */
    record Plain(byte[] utf8) implements Content {
        @Override
        public TextRecord record(Encoders.Encoder encoder) {
            String text = decode(utf8);
            int end =
                    text.endsWith("\r\n") ? text.length() - 2 : text.endsWith("\n") ? text.length() - 1 : text.length();
            if (end == 0) {
                throw new InvalidDataException(
                        DataProblem.of("the text is empty", "remove the file, or allow for it with max_bad_records"));
            }
            return new TextRecord.Plain(text.substring(0, end));
        }
    }

    /** A JSON object. */
    record Json(byte[] utf8) implements Content {
        @Override
        public TextRecord record(Encoders.Encoder encoder) {
            return encoder.record(decode(utf8));
        }
    }

    /** A row of a table, as a JSON object. */
    record Row(byte[] utf8) implements Content {
        @Override
        public TextRecord record(Encoders.Encoder encoder) {
            return encoder.row(decode(utf8));
        }
    }

    /** Bytes that are no text, which Spark took for one: of Parquet files it checks none. */
    record NotUtf8() implements Content {
        @Override
        public TextRecord record(Encoders.Encoder encoder) {
            throw new InvalidDataException(NOT_UTF8);
        }
    }

    /** More than is held. */
    record TooLong() implements Content {
        @Override
        public TextRecord record(Encoders.Encoder encoder) {
            throw new InvalidDataException(DataProblem.of(
                    String.format(Locale.ROOT, "the text is larger than %d MB", MAX_BYTES >> 20),
                    "cut it into several texts, or allow for it with max_bad_records"));
        }
    }

    private static String decode(byte[] utf8) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(utf8))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new InvalidDataException(NOT_UTF8, e);
        }
    }
}
