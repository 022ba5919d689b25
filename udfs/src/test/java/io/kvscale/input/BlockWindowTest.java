package io.kvscale.input;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BlockWindowTest {
    private final byte[] bytes = new byte[5 * Blocks.BYTES + 1234];
    /** First and last byte of each read, the last one exclusive. */
    private final List<long[]> reads = new ArrayList<>();

    private BlockWindow window(ByteBuffer block) {
        new Random(1).nextBytes(bytes);
        return new BlockWindow(
                new ByteSource() {
                    @Override
                    public void read(long position, ByteBuffer into) {
                        reads.add(new long[] {position, position + into.remaining()});
                        into.put(bytes, (int) position, into.remaining());
                    }

                    @Override
                    public boolean prefersDirect() {
                        return block.isDirect();
                    }

                    @Override
                    public boolean isBound() {
                        return false;
                    }

                    @Override
                    public FileVersion version() {
                        return new FileVersion(bytes.length, 0, null);
                    }

                    @Override
                    public void close() {}
                },
                block,
                false);
    }

    /** Rows do not end where blocks end. On HDFS a step back would cost a new connection. */
    @ParameterizedTest
    @ValueSource(ints = {1000, 1, 4097, 100_000})
    void aFileThatIsReadInOrderIsReadWithoutStepsBack(int row) throws IOException {
        for (boolean direct : new boolean[] {false, true}) {
            reads.clear();
            BlockWindow window =
                    window(direct ? ByteBuffer.allocateDirect(Blocks.BYTES) : ByteBuffer.allocate(Blocks.BYTES));
            long at = 777;
            while (at + row <= bytes.length) {
                ByteBuffer view = window.view(at, row, bytes.length, bytes.length);
                int whole = view.remaining() / row * row;
                byte[] seen = new byte[whole];
                view.get(seen);
                assertThat(seen).isEqualTo(java.util.Arrays.copyOfRange(bytes, (int) at, (int) at + whole));
                at += whole;
            }
            for (int i = 1; i < reads.size(); i++) {
                assertThat(reads.get(i)[0]).isEqualTo(reads.get(i - 1)[1]);
            }
            assertThat(window.readBytes()).isEqualTo(reads.get(reads.size() - 1)[1]);
        }
    }

    @Test
    void anyOrderGivesTheBytesOfTheFile() throws IOException {
        BlockWindow window = window(ByteBuffer.allocate(Blocks.BYTES));
        Random random = new Random(2);
        for (int i = 0; i < 500; i++) {
            int least = 1 + random.nextInt(5000);
            int at = random.nextInt(bytes.length - least);
            int readEnd = Math.min(bytes.length, at + least + random.nextInt(100_000));
            ByteBuffer view = window.view(at, least, readEnd, readEnd);
            byte[] seen = new byte[least];
            view.get(seen);
            assertThat(seen).isEqualTo(java.util.Arrays.copyOfRange(bytes, at, at + least));
        }
    }
}
