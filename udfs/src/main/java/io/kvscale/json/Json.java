package io.kvscale.json;

import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.charset.StandardCharsets;

/**
 * The JSON settings of all kvscale files. Output has the same bytes on every JDK and system: lines end with {@code \n},
 * and Jackson prints the numbers, because JDK 17 does not always print the shortest decimal.
 */
public final class Json {
    /** Writes kvscale's files and reads them back. Refuses duplicate keys and text after the first value. */
    public static final JsonMapper MAPPER = JsonMapper.builder(new JsonFactoryBuilder()
                    .characterEscapes(new HiddenCharacters.InJson())
                    .build())
            .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** Reads the files of a model, which may hold duplicate keys. */
    public static final JsonMapper LENIENT = new JsonMapper();

    /** Reads a whole file with {@link #LENIENT}; refuses text after the first value, as Python does. */
    public static final ObjectReader LENIENT_FILE =
            LENIENT.reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private Json() {}

    /** A writer with two spaces of indentation. Each use needs its own, because the indentation is mutable state. */
    public static ObjectWriter indented() {
        return MAPPER.writer(new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n")));
    }

    /** Maps, lists, strings, numbers, booleans and nulls as indented JSON that ends with a line break. */
    public static String text(Object content) {
        try {
            return indented().writeValueAsString(content) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not plain maps, lists and values", e);
        }
    }

    /** {@link #text} in UTF-8. */
    public static byte[] bytes(Object content) {
        return text(content).getBytes(StandardCharsets.UTF_8);
    }
}
