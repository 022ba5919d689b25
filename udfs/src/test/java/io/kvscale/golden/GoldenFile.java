package io.kvscale.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.search.MovingAverage;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.Observers;
import io.kvscale.scheme.ScaleDtype;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.provider.Arguments;

/**
 * Reads one file of golden vectors, from the folder that the system property {@code kvscale.golden} names or from the
 * test resources. A missing file, or one without cases, fails.
 */
public final class GoldenFile {
    private GoldenFile() {}

    /** The cases of a file, each with its index for the test's name. */
    public static Stream<Arguments> cases(String name) {
        Path file = folder().resolve(name);
        try {
            JsonNode cases =
                    new ObjectMapper().readTree(Files.readAllBytes(file)).path("cases");
            assertThat(cases.size()).as("cases of %s", file).isPositive();
            return IntStream.range(0, cases.size()).mapToObj(i -> Arguments.of(label(i, cases.get(i)), cases.get(i)));
        } catch (IOException e) {
            throw new UncheckedIOException("golden file " + file + " cannot be read", e);
        }
    }

    private static Path folder() {
        String named = System.getProperty("kvscale.golden");
        if (named != null) {
            // Relative to where Maven was started from, as its user means it; tests run in their module's folder.
            return Path.of(System.getProperty("kvscale.top", "")).resolve(named);
        }
        try {
            return Path.of(GoldenFile.class.getResource("/golden").toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String label(int index, JsonNode node) {
        StringBuilder label = new StringBuilder("#" + index);
        for (String key : new String[] {"format", "symmetric", "observer", "dtype", "strategy", "scale_dtype"}) {
            if (node.has(key)) {
                label.append(' ').append(node.get(key).asText());
            }
        }
        return label.toString();
    }

    /** An array written as space-separated hexadecimal words. */
    public static int[] bits(JsonNode words) {
        return Stream.of(words.asText().trim().split(" +"))
                .mapToInt(w -> Integer.parseUnsignedInt(w, 16))
                .toArray();
    }

    /** The numbers behind an array of patterns. */
    public static float[] floats(JsonNode words, Dtype dtype) {
        int[] bits = bits(words);
        float[] numbers = new float[bits.length];
        for (int i = 0; i < bits.length; i++) {
            numbers[i] = dtype.toFloat(bits[i]);
        }
        return numbers;
    }

    public static String[] hex(float[] numbers, Dtype dtype) {
        String[] words = new String[numbers.length];
        for (int i = 0; i < words.length; i++) {
            words[i] = String.format(Locale.ROOT, dtype.bytes() == 4 ? "%08x" : "%04x", dtype.fromFloat(numbers[i]));
        }
        return words;
    }

    /** The words themselves, for comparing. */
    public static String[] words(JsonNode words) {
        return words.asText().trim().split(" +");
    }

    /** A JSON array of numbers, or one number. */
    public static float[] numbers(JsonNode node) {
        if (!node.isArray()) {
            return new float[] {(float) node.asDouble()};
        }
        double[] all = StreamSupport.stream(node.spliterator(), false)
                .mapToDouble(JsonNode::asDouble)
                .toArray();
        float[] result = new float[all.length];
        for (int i = 0; i < all.length; i++) {
            result[i] = (float) all[i];
        }
        return result;
    }

    public static Dtype dtype(JsonNode node) {
        return Dtype.valueOf(node.get("dtype").asText());
    }

    public static NumberFormat format(JsonNode node) {
        return NumberFormat.valueOf(node.get("format").asText().toUpperCase(Locale.ROOT));
    }

    /** The observer of a case, with its averaging constant if it has one. */
    public static Observer observer(JsonNode node) {
        Observer observer = Observers.named(node.get("observer").asText());
        return observer instanceof MovingAverage average
                ? new MovingAverage(node.path("averaging_constant").asDouble(average.averagingConstant()))
                : observer;
    }

    /** The type of the steps: that of the data, or f32 where the case says so. */
    public static Dtype step(JsonNode node) {
        return node.has("scale_dtype")
                ? ScaleDtype.valueOf(node.get("scale_dtype").asText().toUpperCase(Locale.ROOT))
                        .over(dtype(node))
                : dtype(node);
    }
}
