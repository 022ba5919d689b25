package io.kvscale.capture;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/** The list of capture formats. Listing, header reading, sample names, messages and options all follow it. */
public final class CaptureFormats {
    /** Every format. The first one also gets the files that none recognizes: its error names what was expected. */
    static final List<CaptureFormat> ALL = List.of(
            new SafetensorsFormat(), //
            new ArrowFormat(),
            new ParquetFormat());

    private CaptureFormats() {}

    /** Every format's word, in the order of the list. */
    public static List<String> words() {
        return ALL.stream().map(CaptureFormat::word).toList();
    }

    /** The format with this word, in upper or lower case. */
    public static Optional<CaptureFormat> named(String word) {
        return ALL.stream()
                .filter(format -> format.word().equalsIgnoreCase(word))
                .findFirst();
    }

    /** The format of files with this name; empty if no extension matches. */
    static Optional<CaptureFormat> ofFile(String name) {
        // A loop, because every file of a corpus comes here.
        for (CaptureFormat format : ALL) {
            if (format.hasExtension(name)) {
                return Optional.of(format);
            }
        }
        return Optional.empty();
    }

    /**
     * Whether a file has the name or the beginning of a capture.
     *
     * @param start its first bytes, at least 8 unless the file is shorter
     */
    public static boolean mayBeCapture(String name, byte[] start) {
        return ofFile(name).isPresent()
                || start.length >= Long.BYTES
                        && ALL.stream()
                                .anyMatch(format -> format.recognizes(ByteBuffer.wrap(start)
                                        .order(ByteOrder.LITTLE_ENDIAN)
                                        .getLong()));
    }

    /** The format of a file with these first bytes, see {@link CaptureFormat#recognizes}. */
    static CaptureFormat ofStart(long start) {
        return ALL.stream()
                .filter(format -> format.recognizes(start))
                .findFirst()
                .orElse(ALL.get(0));
    }

    /** The formats' words or extensions as an English list: {@code a, b or c}. */
    public static String either(List<String> words) {
        int last = words.size() - 1;
        return last == 0 ? words.get(0) : String.join(", ", words.subList(0, last)) + " or " + words.get(last);
    }
}
