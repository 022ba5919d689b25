package io.kvscale.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.ChildJvm;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A header of the maximum length is read in bounded memory and time. */
class HugeHeaderTest {
    /** Entries of one length, so that the header's length is known before it is generated. */
    private static final String ENTRY =
            "\"nnnnnnn\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[bbbbbbb,eeeeeee]},";

    /** The first offset, so that all offsets have seven digits without a leading zero. */
    private static final int FIRST = 1_000_000;

    /** Runs in its own JVM, whose heap is the tested bound. */
    @Test
    @Timeout(60)
    void readsAHeaderOf100MegabytesInAHeapOf256() throws Exception {
        String output = ChildJvm.run(ChildJvm.of(HugeHeaderTest.class, List.of("-Xmx256m", "-XX:+UseSerialGC")));
        assertThat(output.trim()).endsWith("tensors, 40000 wanted");
    }

    public static void main(String[] args) throws IOException {
        Generated in = new Generated();
        SafetensorsHeader header = SafetensorsHeader.read(in, in.fileLength(), name -> name.compareTo("0040000") < 0);
        System.out.println(
                header.tensorCount() + " tensors, " + header.tensors().size() + " wanted");
    }

    /** Generates a header of nearly 100 MB, entry by entry, whose tensors are in a scattered order. */
    private static final class Generated extends InputStream {
        private final int count;
        private final long headerLength;
        /** The bytes to return next: first the length and a tensor at the start of the data, then each entry. */
        private byte[] piece;

        private int at;
        private int next;

        Generated() {
            String lead = "{\"lead\":{\"dtype\":\"U8\",\"shape\":[" + FIRST + "],\"data_offsets\":[0," + FIRST + "]},";
            count = (SafetensorsHeader.MAX_HEADER_BYTES - lead.length()) / ENTRY.length();
            headerLength = lead.length() + (long) count * ENTRY.length();
            piece = ByteBuffer.allocate(8 + lead.length())
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(headerLength)
                    .put(lead.getBytes(StandardCharsets.US_ASCII))
                    .array();
        }

        long fileLength() {
            return 8 + headerLength + FIRST + count;
        }

        @Override
        public int read() {
            throw new UnsupportedOperationException("read in pieces");
        }

        @Override
        public int read(byte[] to, int offset, int length) {
            if (at == piece.length) {
                nextEntry();
            }
            int n = Math.min(length, piece.length - at);
            System.arraycopy(piece, at, to, offset, n);
            at += n;
            return n;
        }

        private void nextEntry() {
            if (next == count) {
                throw new IllegalStateException("more was read than the header");
            }
            int begin = FIRST + (int) (next * 7_919L % count);
            piece = ENTRY.getBytes(StandardCharsets.US_ASCII);
            digits(ENTRY.indexOf("nnnnnnn"), next);
            digits(ENTRY.indexOf("bbbbbbb"), begin);
            digits(ENTRY.indexOf("eeeeeee"), begin + 1);
            next++;
            if (next == count) {
                piece[piece.length - 1] = '}';
            }
            at = 0;
        }

        private void digits(int to, int number) {
            int rest = number;
            for (int i = to + 6; i >= to; i--) {
                piece[i] = (byte) ('0' + rest % 10);
                rest /= 10;
            }
        }
    }
}
