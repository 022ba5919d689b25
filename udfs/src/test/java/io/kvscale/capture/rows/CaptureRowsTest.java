package io.kvscale.capture.rows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.numeric.Dtype;
import io.kvscale.safetensors.SafetensorsWriter;
import io.kvscale.tensor.Geometry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares the rows of captures with a naive copy of every value by its indexes. */
class CaptureRowsTest {
    private static final int HEADS = 3;
    private static final int HEAD_DIM = 4;

    @TempDir
    private Path folder;

    private final Random random = new Random(11);
    /** By "sample layer role": the values of every token, [heads][head_dim] each. */
    private final Map<String, List<byte[]>> expected = new TreeMap<>();

    @BeforeEach
    void writeCaptures() throws IOException {
        batch("a", 1, 7, "BF16", false);
        batch("b/masked", 4, 9, "F32", true);
        tokenMajor("c", 11, "F16");
        connector("d", 8);
    }

    /** [B,H,S,D], with a mask or without. */
    private void batch(String name, int batch, int tokens, String dtype, boolean masked) throws IOException {
        SafetensorsWriter file = new SafetensorsWriter();
        boolean[][] real = new boolean[batch][tokens];
        for (boolean[] row : real) {
            for (int t = 0; t < tokens; t++) {
                row[t] = !masked || (t > 2 && random.nextInt(3) > 0);
            }
        }
        int width = dtype.equals("F32") ? 4 : 2;
        for (String role : List.of("keys", "values")) {
            byte[] data = bytes(batch * HEADS * tokens * HEAD_DIM * width);
            file.add(
                    "layers.0." + role,
                    dtype,
                    List.of((long) batch, (long) HEADS, (long) tokens, (long) HEAD_DIM),
                    data);
            for (int b = 0; b < batch; b++) {
                List<byte[]> kept = expect(batch == 1 ? name : name + "#" + b, 0, role);
                for (int t = 0; t < tokens; t++) {
                    if (real[b][t]) {
                        ByteBuffer token = ByteBuffer.allocate(HEADS * HEAD_DIM * width);
                        for (int h = 0; h < HEADS; h++) {
                            token.put(data, ((b * HEADS + h) * tokens + t) * HEAD_DIM * width, HEAD_DIM * width);
                        }
                        kept.add(token.array());
                    }
                }
            }
        }
        if (masked) {
            ByteBuffer mask = ByteBuffer.allocate(batch * tokens * 8).order(ByteOrder.LITTLE_ENDIAN);
            for (boolean[] row : real) {
                for (boolean r : row) {
                    mask.putLong(r ? 1 : 0);
                }
            }
            file.add("attention_mask", "I64", List.of((long) batch, (long) tokens), mask.array());
        }
        write(name, file);
    }

    /** [S,H,D]. */
    private void tokenMajor(String name, int tokens, String dtype) throws IOException {
        SafetensorsWriter file = new SafetensorsWriter();
        for (String role : List.of("k", "v")) {
            byte[] data = bytes(tokens * HEADS * HEAD_DIM * 2);
            file.add("layers.2.self_attn." + role, dtype, List.of((long) tokens, (long) HEADS, (long) HEAD_DIM), data);
            expectTokens(name, 2, role.equals("k") ? "keys" : "values", data, 0, tokens);
        }
        write(name, file);
    }

    /** [2,T,H,D]. */
    private void connector(String request, int tokens) throws IOException {
        byte[] data = bytes(2 * tokens * HEADS * HEAD_DIM * 2);
        List<Long> shape = List.of(2L, (long) tokens, (long) HEADS, (long) HEAD_DIM);
        write(request + "/model.layers.5.self_attn.attn", new SafetensorsWriter().add("kv_cache", "BF16", shape, data));
        expectTokens(request, 5, "keys", data, 0, tokens);
        expectTokens(request, 5, "values", data, tokens, tokens);
    }

    private void expectTokens(String name, int layer, String role, byte[] data, int first, int tokens) {
        List<byte[]> kept = expect(name, layer, role);
        int size = HEADS * HEAD_DIM * 2;
        for (int t = first; t < first + tokens; t++) {
            kept.add(java.util.Arrays.copyOfRange(data, t * size, (t + 1) * size));
        }
    }

    private List<byte[]> expect(String sample, int layer, String role) {
        return expected.computeIfAbsent(
                sample + " " + layer + " " + (role.equals("keys") ? "key" : "value"), k -> new ArrayList<>());
    }

    private byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    private void write(String name, SafetensorsWriter file) throws IOException {
        Path path = folder.resolve(name + ".safetensors");
        Files.createDirectories(path.getParent());
        try (OutputStream out = Files.newOutputStream(path)) {
            file.writeTo(out);
        }
    }

    private CaptureRows rows(Split split, long maxBytes, RowFilter filter) {
        return new CaptureRows(
                split, CaptureOptions.defaults(), new Configuration(), filter, new CaptureRows.Wanted(false, maxBytes));
    }

    private List<InputFile> files() {
        return CaptureListing.of(List.of(folder.toString()), new Configuration())
                .files();
    }

    /** The tokens of all rows of all splits, by sample and slot. */
    private Map<String, List<byte[]>> read(int splits, long maxBytes) {
        Map<String, List<byte[]>> read = new TreeMap<>();
        for (Split split : Split.plan(files(), splits)) {
            try (CaptureRows rows = rows(split, maxBytes, RowFilter.all())) {
                for (CaptureRow row = rows.next(); row != null; row = rows.next()) {
                    String key = row.sample() + " " + row.slot().layer() + " "
                            + row.slot().role().word();
                    List<byte[]> tokens = read.computeIfAbsent(key, k -> new ArrayList<>());
                    // Rows of one sample come in the order of their bytes, also across splits.
                    assertThat(row.position()).isEqualTo(tokens.size());
                    tokens.addAll(tokens(row, rows.values()));
                    assertThat(streamed(row, rows)).isEqualTo(rows.values());
                }
            }
        }
        return read;
    }

    private static List<byte[]> tokens(CaptureRow row, byte[] values) {
        Geometry geometry = row.source().geometry();
        int line = geometry.headDim() * geometry.dtype().bytes();
        assertThat(values).hasSize(row.tokens() * geometry.heads() * line);
        List<byte[]> tokens = new ArrayList<>();
        for (int t = 0; t < row.tokens(); t++) {
            ByteArrayOutputStream token = new ByteArrayOutputStream();
            for (int h = 0; h < geometry.heads(); h++) {
                token.write(values, (h * row.tokens() + t) * line, line);
            }
            tokens.add(token.toByteArray());
        }
        return tokens;
    }

    /** The values from chunks, each placed by its element index and the mask. */
    private static byte[] streamed(CaptureRow row, CaptureRows rows) {
        Geometry geometry = row.source().geometry();
        int width = geometry.dtype().bytes();
        ByteBuffer values = ByteBuffer.allocate(row.tokens() * geometry.channels() * width);
        boolean major = row.source().tokenMajor();
        int all = row.source().tokens();
        rows.read((element, chunk) -> {
            int start = chunk.position();
            for (int i = 0; i < chunk.remaining() / width; i++) {
                long at = element + i;
                int d = (int) (at % geometry.headDim());
                long line = at / geometry.headDim();
                int h = (int) (major ? line % geometry.heads() : line / all);
                int t = (int) (major ? line / geometry.heads() : line % all);
                var mask = row.source().mask();
                if (mask == null || mask.real().get(t)) {
                    int rank = mask == null ? t : mask.real().get(0, t).cardinality();
                    for (int b = 0; b < width; b++) {
                        int to = ((h * row.tokens() + rank) * geometry.headDim() + d) * width + b;
                        values.put(to, chunk.get(start + i * width + b));
                    }
                }
            }
        });
        return values.array();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 8, 13, 40})
    void everySplittingGivesTheSameRows(int splits) {
        assertThat(read(splits, 1 << 20)).usingRecursiveComparison().isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 25, 50, 100, 200, 400})
    void longRowsAreCutAlongTokensWithTheirPosition(int maxBytes) {
        assertThat(read(3, maxBytes)).usingRecursiveComparison().isEqualTo(expected);
    }

    @Test
    void onlyRowsAboveTheBoundAreCut() {
        Split whole = Split.plan(files(), 1).get(0);
        int tokenBytes = HEADS * HEAD_DIM * Dtype.F32.bytes();
        try (CaptureRows rows = rows(whole, 4L * tokenBytes, RowFilter.all())) {
            int most = 0;
            for (CaptureRow row = rows.next(); row != null; row = rows.next()) {
                assertThat(rows.values().length).isLessThanOrEqualTo(4 * tokenBytes);
                most = Math.max(most, row.position());
            }
            assertThat(most).isEqualTo(8);
        }
    }

    @Test
    void readingNoValuesReadsLess() {
        Split whole = Split.plan(files(), 1).get(0);
        long headers;
        try (CaptureRows rows = rows(whole, 1 << 20, RowFilter.all())) {
            int count = 0;
            while (rows.next() != null) {
                count++;
            }
            headers = rows.readBytes();
            assertThat(count).isEqualTo(expected.size());
        }
        try (CaptureRows rows = rows(whole, 1 << 20, RowFilter.all())) {
            while (rows.next() != null) {
                rows.values();
            }
            assertThat(rows.readBytes()).isGreaterThanOrEqualTo(headers);
        }
    }
}
