package io.kvscale.job.corpus.plan;

import io.kvscale.job.spark.JavaSerde;
import io.kvscale.tensor.DataProblem;
import io.kvscale.text.Strata;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The result of encoding a record. Spark holds it as one row of bytes. */
public sealed interface EncodedRow {
    /**
     * The token ids of a text.
     *
     * @param ids all ids, or only the first ones where the plan can use no more
     */
    record Good(TextSample sample, int[] ids) implements EncodedRow {}

    /**
     * A record that cannot be parsed or rendered.
     *
     * @param order sort key that decides which of several bad records is reported
     */
    record Bad(String order, DataProblem problem) implements EncodedRow, Serializable {}

    /** A file that cannot be read after all attempts, or a tokenizer that cannot be opened. */
    record Failed(DataProblem problem) implements EncodedRow {}

    /**
     * Layout: kind u1 (0 good, 1 bad, 2 failed). Good: sample (see {@link #write}), count of ids i4, each id i4. Bad: order
     * as text, then the serialized problem. Failed: the serialized problem.
     */
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

    /** The sample of a good row, without reading the ids; null for other rows. */
    static @Nullable TextSample sampleOf(byte[] row) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(row))) {
            return in.readByte() == 0 ? sample(in) : null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The samples of the good rows among {@code rows}, without their ids. */
    static byte[] samplesToBytes(Iterator<byte[]> rows) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            while (rows.hasNext()) {
                TextSample sample = sampleOf(rows.next());
                if (sample != null) {
                    write(sample, out);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    static List<TextSample> samplesFromBytes(byte[] bytes) {
        List<TextSample> samples = new ArrayList<>();
        // Many samples have the same strata, of which one is kept.
        Map<Strata, Strata> known = new HashMap<>();
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            while (in.available() > 0) {
                TextSample read = sample(in);
                Strata strata = known.computeIfAbsent(read.strata(), same -> same);
                samples.add(new TextSample(read.name(), read.hash(), read.length(), strata));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return samples;
    }

    /** Layout: name as text, hash 32 bytes, length i4, both strata as text. */
    private static void write(TextSample sample, DataOutputStream out) throws IOException {
        write(sample.name(), out);
        out.writeLong(sample.hash().a());
        out.writeLong(sample.hash().b());
        out.writeLong(sample.hash().c());
        out.writeLong(sample.hash().d());
        out.writeInt(sample.length());
        write(sample.strata().sample(), out);
        write(sample.strata().statistics(), out);
    }

    private static TextSample sample(DataInputStream in) throws IOException {
        String name = text(in);
        ContentHash hash = new ContentHash(in.readLong(), in.readLong(), in.readLong(), in.readLong());
        return new TextSample(name, hash, in.readInt(), new Strata(text(in), text(in)));
    }

    /** Layout: length i4, UTF-8. A name may be longer than {@link DataOutputStream#writeUTF} allows. */
    private static void write(String text, DataOutputStream out) throws IOException {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(utf8.length);
        out.write(utf8);
    }

    private static String text(DataInputStream in) throws IOException {
        return new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
    }
}
