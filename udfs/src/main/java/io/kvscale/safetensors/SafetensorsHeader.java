package io.kvscale.safetensors;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import io.kvscale.json.JsonProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The header of a safetensors file, checked against the length of the file.
 *
 * <pre>
 *   byte 0        8                          8 + N                     end of file
 *        +--------+--------------------------+---------------------------+
 *        | N, u64 | JSON, begins with {,     | data: the tensors, back   |
 *        | little | padded with spaces       | to back, no hole, no      |
 *        | endian | at its end               | overlap, row-major, LE    |
 *        +--------+--------------------------+---------------------------+
 *
 *   {"__metadata__": {"any": "text"},
 *    "layers.0.keys": {"dtype": "BF16", "shape": [1,3,60,64], "data_offsets": [0,23040]}, ...}
 * </pre>
 *
 * Offsets in the JSON count from the start of the data, offsets of {@link TensorEntry} from the start of the file. Source:
 * the format's description at huggingface.co/docs/safetensors.
 *
 * @param dataStart where the data begins, in bytes from the start of the file
 * @param tensors the wanted tensors, in the order of their bytes
 * @param tensorCount number of tensors, wanted or not
 * @param someNames the first few names that are not wanted, shortened, for messages
 * @param metadata the short entries of {@code __metadata__} (at most 64, of at most 256 characters), in file order
 */
public record SafetensorsHeader(
        long dataStart,
        List<TensorEntry> tensors,
        long tensorCount,
        List<String> someNames,
        Map<String, String> metadata) {

    /** Maximum length of a header in bytes: the limit of the format's own library. */
    public static final int MAX_HEADER_BYTES = 100_000_000;

    /** Maximum number of wanted tensors in one file. */
    public static final int MAX_WANTED = 40_000;

    static final String CUT_OFF = "the file is cut off or still being written: copy or write it again";
    private static final String NOT_SAFETENSORS =
            "check that this is a safetensors file, and write it again with a safetensors library";

    /**
     * Reads a header and checks all of its tensors, wanted or not.
     *
     * <p>Memory stays below about 300 MB for the worst header of 100 MB, and within kilobytes for a usual one.
     *
     * @param in the file from byte 0; exactly the 8 + N bytes in front of the data are read, and it stays open
     * @param fileLength length of the file in bytes
     * @param wanted which tensors to return, by name
     * @throws InvalidDataException if the file is not safetensors, breaks a rule of the format, or ends early
     * @throws IOException if reading fails for another reason
     */
    public static SafetensorsHeader read(InputStream in, long fileLength, Predicate<String> wanted) throws IOException {
        return read(in, fileLength, wanted, null);
    }

    /** @param all gets all tensors, wanted or not, in the order of the header; null if nobody needs them */
    static SafetensorsHeader read(
            InputStream in, long fileLength, Predicate<String> wanted, @Nullable List<TensorEntry> all)
            throws IOException {
        try {
            long length = length(in, fileLength);
            long dataStart = Long.BYTES + length;
            // Given a charset only, the reader would replace invalid UTF-8, so that two names could become one.
            Reader text = new InputStreamReader(new HeaderBytes(in, length), StandardCharsets.UTF_8.newDecoder());
            return new HeaderParser(dataStart, fileLength - dataStart, new HeaderTensors(dataStart, wanted, all))
                    .parse(text);
        } catch (StreamConstraintsException e) {
            throw new InvalidDataException(
                    "expected names of at most " + HeaderParser.MAX_NAME + ", strings of at most "
                            + HeaderParser.MAX_STRING + " and numbers of at most " + HeaderParser.MAX_NUMBER
                            + " characters in the header, got a longer one near character " + offset(e),
                    NOT_SAFETENSORS,
                    e);
        } catch (JsonProcessingException e) {
            throw new InvalidDataException(
                    "expected a header in JSON, got near character " + offset(e) + ": " + JsonProblem.what(e),
                    NOT_SAFETENSORS,
                    e);
        } catch (CharacterCodingException e) {
            throw new InvalidDataException("expected a header in UTF-8, got bytes that are not", NOT_SAFETENSORS, e);
        } catch (EOFException e) {
            throw new InvalidDataException(
                    "expected a file of " + fileLength + " bytes, got its end within the header", CUT_OFF, e);
        }
    }

    private static long length(InputStream in, long fileLength) throws IOException {
        if (fileLength < Long.BYTES) {
            throw new InvalidDataException("expected at least 8 bytes, got a file of " + fileLength, CUT_OFF);
        }
        long length = Long.reverseBytes(new DataInputStream(in).readLong());
        if (length < 0 || length > MAX_HEADER_BYTES) {
            throw new InvalidDataException(
                    "expected a header of at most " + MAX_HEADER_BYTES + " bytes, got a length of "
                            + Long.toUnsignedString(length),
                    NOT_SAFETENSORS);
        }
        if (length > fileLength - Long.BYTES) {
            throw new InvalidDataException(
                    "expected a header of " + length + " bytes, got a file with only " + (fileLength - Long.BYTES)
                            + " bytes after its length",
                    CUT_OFF);
        }
        return length;
    }

    private static long offset(JsonProcessingException e) {
        return e.getLocation() == null ? 0 : e.getLocation().getCharOffset();
    }
}
