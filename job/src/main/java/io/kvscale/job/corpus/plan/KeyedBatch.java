package io.kvscale.job.corpus.plan;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Comparator;
import java.util.List;
import org.apache.commons.codec.binary.Hex;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * A batch of a plan as later runs recognize it. The bits of K and V depend on the shape of a batch, and with some models on
 * all of its rows. So a batch is known as a whole.
 *
 * @param key 64 hexadecimal digits; equal for batches of the same token ids and names in the same rows, if the same tokenizer
 *     encodes the texts. Names count because statistics name the texts with the extreme values.
 * @param last the greatest hash of its samples: a growing corpus displaces samples with great hashes first
 * @param texts number of rows
 * @param tokens total number of tokens, without padding
 */
public record KeyedBatch(String key, ContentHash last, int texts, long tokens) {
    static KeyedBatch of(List<PlannedSequence> batch) {
        MessageDigest digest = DigestUtils.getSha256Digest();
        for (PlannedSequence sequence : batch) {
            add(digest, sequence.name());
            digest.update(ByteBuffer.allocate(4).putInt(0, sequence.pieces().size()));
            for (PlannedSequence.Piece piece : sequence.pieces()) {
                add(digest, piece.sample().contentKey());
                digest.update(ByteBuffer.allocate(8).putInt(0, piece.from()).putInt(4, piece.to()));
            }
        }
        ContentHash last = batch.stream()
                .flatMap(sequence -> sequence.pieces().stream())
                .map(piece -> piece.sample().hash())
                .max(Comparator.naturalOrder())
                .orElseThrow();
        long tokens = batch.stream().mapToLong(PlannedSequence::length).sum();
        return new KeyedBatch(Hex.encodeHexString(digest.digest()), last, batch.size(), tokens);
    }

    private static void add(MessageDigest digest, String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        digest.update(ByteBuffer.allocate(4).putInt(0, utf8.length));
        digest.update(utf8);
    }
}
