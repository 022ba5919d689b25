package io.kvscale.job.bench;

import io.kvscale.input.FilePiece;
import io.kvscale.input.Split;
import io.kvscale.observer.kernel.MinMaxKernel;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * Reads files block by block. No job can be faster on one thread than reading without using the bytes, and none that needs
 * ranges faster than reading and folding.
 */
final class ReadLimit {
    private static final int PAGE = 4096;

    private ReadLimit() {}

    static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes + PAGE).alignedSlice(PAGE).slice(0, bytes);
    }

    /** Opens and reads every piece. */
    static void read(Split split, ByteBuffer block) throws IOException {
        read(split, block, bytes -> {});
    }

    /**
     * Opens and reads every piece, and folds its 16-bit values into one range for each channel.
     *
     * @param width number of channels: values in a row
     */
    static void fold(Split split, ByteBuffer block, int width) throws IOException {
        short[] min = new short[width];
        short[] max = new short[width];
        read(split, block, bytes -> {
            int rows = bytes.remaining() / (Short.BYTES * width);
            MinMaxKernel.OF_THIS_JVM.fold16(bytes, 0, width, rows, min, max, 0);
        });
    }

    private static void read(Split split, ByteBuffer block, Consumer<ByteBuffer> each) throws IOException {
        for (FilePiece piece : split.pieces()) {
            try (FileChannel channel = FileChannel.open(local(piece))) {
                for (long at = piece.start(); at < piece.end(); ) {
                    int count =
                            channel.read(block.clear().limit((int) Math.min(block.capacity(), piece.end() - at)), at);
                    if (count < 0) {
                        throw new EOFException(piece.file().path());
                    }
                    at += count;
                    each.accept(block.flip());
                }
            }
        }
    }

    private static Path local(FilePiece piece) {
        return Path.of(
                new org.apache.hadoop.fs.Path(piece.file().path()).toUri().getPath());
    }
}
