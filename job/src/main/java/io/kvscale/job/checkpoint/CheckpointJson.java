package io.kvscale.job.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.json.JsonProblem;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;

/**
 * Reads the JSON files of a checkpoint as Python does: a key may occur twice, the last one counts, and {@code NaN} and
 * {@code Infinity} are numbers.
 */
final class CheckpointJson {
    /** Bounds the memory: about 2 million entries of an index. */
    private static final long MAX_TOKENS = 4_000_000;

    private static final int MAX_DEPTH = 100;

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxTokenCount(MAX_TOKENS)
                            .maxNestingDepth(MAX_DEPTH)
                            .build())
                    .build())
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private CheckpointJson() {}

    /**
     * Reads a JSON object.
     *
     * @param file its name, for messages
     * @throws InvalidDataException if the text is malformed, too large or no object
     */
    static ObjectNode read(byte[] bytes, String file) {
        try {
            if (MAPPER.readTree(bytes) instanceof ObjectNode object) {
                return object;
            }
        } catch (IOException e) {
            throw new InvalidDataException(
                    problem("the file is not valid JSON: " + JsonProblem.whatAndWhere(e))
                            .inFile(file),
                    e);
        }
        throw new InvalidDataException(problem("the file is not a JSON object").inFile(file));
    }

    private static DataProblem problem(String what) {
        return DataProblem.of(what, "take the file from the model's original folder again");
    }
}
