package io.kvscale.safetensors;

import java.io.IOException;
import java.io.OutputStream;

/** The output for one tensor's data: accepts exactly its length, so that no later tensor is shifted. */
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

    /** Does not close the file, even if a {@link SafetensorsWriter.Body} closes its output. */
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
