package io.kvscale.job.corpus.plan;

import io.kvscale.job.spark.JavaSerde;
import io.kvscale.tensor.DataProblem;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** What a record became, as tasks keep it: one row of bytes a record. */
public sealed interface EncodedRow {
    /**
     * Token ids.
     *
     * @param ids all, or the first ones where nothing else can be asked for
     */
    record Good(TextSample sample, int[] ids) implements EncodedRow {}

    /**
     * A record of which nothing can be made.
     *
     * @param order what the first of several is told by
     */
    record Bad(String order, DataProblem problem) implements EncodedRow {}

    /** A file that cannot be read, however often it is tried. */
    record Failed(DataProblem problem) implements EncodedRow {}

    /** Draws: kind u1; then a sample (see {@link #write}) and ids, count i4 and each i4; or what is wrong, serialized. */
    default byte[] toByteArray() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            if (this instanceof Good good) {
                out.writeByte(0);
                write(good.sample, out);
                out.writeInt(good.ids.length);
                for (int id : good.ids) {
                    out.writeInt(id);
                }
            } else if (this instanceof Bad bad) {
                out.writeByte(1);
                write(bad.order, out);
                out.write(JavaSerde.bytes(bad.problem));
            } else if (this instanceof Failed failed) {
                out.writeByte(2);
                out.write(JavaSerde.bytes(failed.problem));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    static EncodedRow fromByteArray(byte[] bytes) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            return switch (in.readByte()) {
                case 0 -> {
                    TextSample sample = sample(in);
                    int[] ids = new int[in.readInt()];
                    for (int i = 0; i < ids.length; i++) {
                        ids[i] = in.readInt();
                    }
                    yield new Good(sample, ids);
                }
                case 1 -> new Bad(text(in), JavaSerde.value(in.readAllBytes(), DataProblem.class));
                default -> new Failed(JavaSerde.value(in.readAllBytes(), DataProblem.class));
            };
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The sample in a row; null if it holds none. Reads no ids. */
    static @Nullable TextSample sampleOf(byte[] row) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(row))) {
            return in.readByte() == 0 ? sample(in) : null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Name (UTF-8 behind its length i4), hash 32 bytes, length i4. */
    static void write(TextSample sample, DataOutputStream out) throws IOException {
        write(sample.name(), out);
        out.writeLong(sample.hash().a());
        out.writeLong(sample.hash().b());
        out.writeLong(sample.hash().c());
        out.writeLong(sample.hash().d());
        out.writeInt(sample.length());
    }

    static TextSample sample(DataInputStream in) throws IOException {
        String name = text(in);
        ContentHash hash = new ContentHash(in.readLong(), in.readLong(), in.readLong(), in.readLong());
        return new TextSample(name, hash, in.readInt());
    }

    /** Names may be longer than what writeUTF takes. */
    static void write(String text, DataOutputStream out) throws IOException {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(utf8.length);
        out.write(utf8);
    }

    static String text(DataInputStream in) throws IOException {
        return new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
    }
}
