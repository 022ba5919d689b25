package io.kvscale.job.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.input.FilePiece;
import io.kvscale.input.FileVersion;
import io.kvscale.input.InputFile;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.DeflaterOutputStream;
import org.apache.commons.codec.digest.DigestUtils;
import org.junit.jupiter.api.Test;

class GroupFileTest {
    private static final int PREFIX = 20;

    private static GroupFile group() {
        byte[] content = new byte[5_000];
        new Random(1).nextBytes(content);
        InputFile etag = new InputFile("s3a://b/x/a.safetensors", "a.safetensors", "x", new FileVersion(10, 0, "e"));
        InputFile time = new InputFile(
                "file:/x/\u00e9.safetensors", "\u00e9.safetensors", "x", new FileVersion(1L << 40, 7, null));
        return new GroupFile(
                new Observation("range statistics", "0123456789abcdef".repeat(4)),
                List.of(new FilePiece(etag, 0, 10), new FilePiece(time, 1L << 30, 1L << 31)),
                List.of(),
                content);
    }

    private static GroupFile read(byte[] file) throws IOException {
        return GroupFile.read(new ByteArrayInputStream(file), file.length);
    }

    private static void assertDamaged(byte[] file) {
        assertThatThrownBy(() -> read(file)).isInstanceOf(DamagedGroupException.class);
    }

    @Test
    void whatIsWrittenIsRead() throws IOException {
        GroupFile group = group();
        byte[] file = group.bytes();
        GroupFile read = read(file);
        assertThat(read.observation()).isEqualTo(group.observation());
        assertThat(read.pieces()).isEqualTo(group.pieces());
        assertThat(read.content()).isEqualTo(group.content());
        GroupFile header = GroupFile.readHeader(new ByteArrayInputStream(file), file.length);
        assertThat(header.pieces()).isEqualTo(group.pieces());
    }

    @Test
    void groupsOfTextsHaveBatches() throws IOException {
        List<KeptBatch> batches = List.of(new KeptBatch("ab".repeat(32), 3, 400), new KeptBatch("c", 1, 1L << 40));
        byte[] file = new GroupFile(group().observation(), List.of(), batches, new byte[] {1}).bytes();
        assertThat(read(file).batches()).isEqualTo(batches);
        assertThat(read(file).pieces()).isEmpty();
        assertThat(read(file).content()).containsExactly(1);
        assertThat(read(group().bytes()).batches()).isEmpty();
    }

    @Test
    void everyFlippedBitIsSeen() {
        byte[] file = group().bytes();
        Random random = new Random(2);
        for (int i = 0; i < file.length; i++) {
            byte[] flipped = file.clone();
            flipped[i] ^= (byte) (1 << random.nextInt(8));
            assertDamaged(flipped);
        }
    }

    @Test
    void aFileThatIsCutOrContinuedIsSeen() {
        byte[] file = group().bytes();
        for (int length = 0; length < file.length; length++) {
            byte[] cut = Arrays.copyOf(file, length);
            assertDamaged(cut);
            // The listing may say the whole length.
            assertThatThrownBy(() -> GroupFile.read(new ByteArrayInputStream(cut), file.length))
                    .isInstanceOf(DamagedGroupException.class);
        }
        assertDamaged(Arrays.copyOf(file, file.length + 1));
    }

    @Test
    void aNewerVersionIsNamed() {
        byte[] file = group().bytes();
        ByteBuffer.wrap(file).putInt(8, GroupFile.VERSION + 1);
        assertThatThrownBy(() -> read(file))
                .isInstanceOfSatisfying(
                        DamagedGroupException.class,
                        e -> assertThat(e.isNewer()).isTrue())
                .hasMessage("it has version 3, this kvscale reads version 2");
    }

    /** Checksums do not protect against someone who writes the file. */
    @Test
    void lengthsAreBoundedBeforeMemoryIsAllocated() throws IOException {
        byte[] huge = group().bytes();
        ByteBuffer.wrap(huge).putInt(12, Integer.MAX_VALUE).putInt(16, Integer.MAX_VALUE);
        assertDamaged(huge);
        ByteBuffer.wrap(huge).putInt(12, -1);
        assertDamaged(huge);

        ByteArrayOutputStream zeros = new ByteArrayOutputStream();
        try (DeflaterOutputStream out = new DeflaterOutputStream(zeros)) {
            byte[] block = new byte[1 << 20];
            for (int i = 0; i <= 1 << 8; i++) {
                out.write(block);
            }
        }
        ByteBuffer file = ByteBuffer.allocate(PREFIX + zeros.size() + 64);
        file.put(group().bytes(), 0, 12).putInt(zeros.size()).putInt(0).put(zeros.toByteArray());
        file.put(DigestUtils.sha256(Arrays.copyOf(file.array(), file.position())));
        assertThatThrownBy(() -> read(file.array())).hasMessage("it holds more than 268435456 bytes");
    }
}
