package io.kvscale.safetensors;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** The header's bytes of a longer stream: ends after them, throws {@link EOFException} if the stream ends earlier. */
final class HeaderBytes extends InputStream {
    private final InputStream in;
    private long remaining;

    HeaderBytes(InputStream in, long length) {
        this.in = in;
        this.remaining = length;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
        if (remaining == 0 && length > 0) {
            return -1;
        }
        int n = in.read(to, offset, (int) Math.min(length, remaining));
        if (n < 0) {
            throw new EOFException();
        }
        remaining -= n;
        return n;
    }
}
