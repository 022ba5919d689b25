package io.kvscale.job.bench;

import io.kvscale.input.FilePiece;
import io.kvscale.input.Split;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/** Reads files block by block without using the bytes. No job can be faster on one thread. */
final class ReadLimit {
    private static final int PAGE = 4096;

    private ReadLimit() {}

    static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes + PAGE).alignedSlice(PAGE).slice(0, bytes);
    }

    /** Opens and reads every piece. */
    static void read(Split split, ByteBuffer block) throws IOException {
        for (FilePiece piece : split.pieces()) {
            try (FileChannel channel = FileChannel.open(local(piece))) {
                for (long at = piece.start(); at < piece.end(); ) {
                    int count =
                            channel.read(block.clear().limit((int) Math.min(block.capacity(), piece.end() - at)), at);
                    if (count < 0) {
                        throw new EOFException(piece.file().path());
                    }
                    at += count;
                }
            }
        }
    }

    private static Path local(FilePiece piece) {
        return Path.of(
                new org.apache.hadoop.fs.Path(piece.file().path()).toUri().getPath());
    }
}
