package io.kvscale.input;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Random access to the bytes of one file. */
public interface ByteSource extends Closeable {
    /**
     * Fills the buffer with the bytes from a position of the file on.
     *
     * @throws EOFException if the file ends first
     */
    void read(long position, ByteBuffer into) throws IOException;

    /** Whether reads into a direct buffer avoid a copy. */
    boolean prefersDirect();

    /** Whether each read fails if the file is not the one that was listed any more. */
    boolean isBound();

    /** The version of the file with this path now, which may be another file than the open one. */
    FileVersion version() throws IOException;

    /** A local file. */
    record Local(FileChannel channel, java.nio.file.Path path) implements ByteSource {
        @Override
        public void read(long position, ByteBuffer into) throws IOException {
            long at = position;
            while (into.hasRemaining()) {
                int count = channel.read(into, at);
                if (count < 0) {
                    throw new EOFException("end of file at byte " + at);
                }
                at += count;
            }
        }

        @Override
        public boolean prefersDirect() {
            return true;
        }

        @Override
        public boolean isBound() {
            return false;
        }

        @Override
        public FileVersion version() throws IOException {
            return FileVersion.of(path);
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    /** Any file that Hadoop can open. */
    record Stream(FSDataInputStream stream, FileSystem files, Path path, boolean isBound) implements ByteSource {
        @Override
        public void read(long position, ByteBuffer into) throws IOException {
            // Seeks instead of a positioned read, because HDFS would open a new block reader for each of those.
            if (stream.getPos() != position) {
                stream.seek(position);
            }
            stream.readFully(into.array(), into.arrayOffset() + into.position(), into.remaining());
            into.position(into.limit());
        }

        @Override
        public boolean prefersDirect() {
            return false;
        }

        @Override
        public FileVersion version() throws IOException {
            return FileVersion.now(files, path);
        }

        @Override
        public void close() throws IOException {
            stream.close();
        }
    }
}
