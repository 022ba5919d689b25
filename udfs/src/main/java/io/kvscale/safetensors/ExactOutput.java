package io.kvscale.safetensors;

import java.io.IOException;
import java.io.OutputStream;

/** One tensor's share of the file: takes exactly its bytes, so that no body can shift those after it. */
final class ExactOutput extends OutputStream {
    private final OutputStream out;
    private final String name;
    private final long length;
    private long written;

    ExactOutput(OutputStream out, String name, long length) {
        this.out = out;
        this.name = name;
        this.length = length;
    }

    @Override
    public void write(int b) throws IOException {
        take(1);
        out.write(b);
    }

    @Override
    public void write(byte[] from, int offset, int count) throws IOException {
        take(count);
        out.write(from, offset, count);
    }

    @Override
    public void flush() throws IOException {
        out.flush();
    }

    /** Only the caller of the writer closes the file, not a body that closes what it was given. */
    @Override
    public void close() {}

    void finish() {
        if (written != length) {
            throw new IllegalStateException(name + ": expected " + length + " bytes, got " + written);
        }
    }

    private void take(int count) {
        if (count > length - written) {
            throw new IllegalStateException(
                    name + ": expected " + length + " bytes, got at least " + (written + count));
        }
        written += count;
    }
}
