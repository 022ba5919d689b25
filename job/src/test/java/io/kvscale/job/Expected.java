package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/** Expected scales of a corpus, compared bit for bit; see {@code golden/sample/README.md}. */
public final class Expected {
    private static final Map<String, String> FORMATS = Map.of(
            "int8_sym", "num_bits: 8, type: int, symmetric: true",
            "int8_asym", "num_bits: 8, type: int, symmetric: false",
            "fp8", "num_bits: 8, type: float, symmetric: true",
            "int4_sym", "num_bits: 4, type: int, symmetric: true",
            "fp4", "num_bits: 4, type: float, symmetric: true");

    private final JsonNode expected;
    private final Path work;
    private final Path statistics;

    /**
     * @param work folder for results
     * @param statistics statistics file of the corpus; the scales of every scheme are derived from it
     */
    public Expected(Path expected, Path work, Path statistics) {
        this.expected = Folder.json(expected);
        this.work = work;
        this.statistics = statistics;
    }

    /** A scheme, with the names of the expected file. */
    public record Scheme(String format, String strategy, String version) {
        @Override
        public String toString() {
            return format + "-" + strategy + "-" + version;
        }
    }

    /** All schemes of the file. */
    public List<Scheme> schemes() {
        List<Scheme> schemes = new ArrayList<>();
        JsonNode scales = expected.get("slots").get(0).get("scales");
        for (Iterator<String> format = scales.fieldNames(); format.hasNext(); ) {
            String f = format.next();
            for (Iterator<String> strategy = scales.get(f).fieldNames(); strategy.hasNext(); ) {
                String s = strategy.next();
                scales.get(f).get(s).fieldNames().forEachRemaining(version -> schemes.add(new Scheme(f, s, version)));
            }
        }
        return schemes;
    }

    private Path recipe(Scheme scheme) {
        return Folder.recipe(
                work,
                FORMATS.get(scheme.format) + ", strategy: " + scheme.strategy
                        + (scheme.strategy.equals("group") ? ", group_size: 32" : ""),
                "kvscale: {scale_dtype: " + scheme.version + "}");
    }

    /** Derives scales with the command {@code scales} and compares every slot. @return the count of compared numbers */
    public int check(Scheme scheme) {
        Path output = work.resolve("scales-" + scheme);
        Cli.run("scales", "--statistics", statistics, "--recipe", recipe(scheme), "--output", output, "--quiet")
                .isDone();
        ScaleTable table = Folder.scales(output);
        int compared = 0;
        assertThat(table.slots()).hasSize(expected.get("slots").size());
        assertThat(table.corpus().tokens()).isEqualTo(expected.get("tokens").asLong());
        for (JsonNode slot : expected.get("slots")) {
            Role role = slot.get("role").asText().equals("key") ? Role.KEY : Role.VALUE;
            SlotScales scales = Objects.requireNonNull(
                    table.slots().get(new Slot(slot.get("layer").asInt(), role)));
            String context = scheme + ", layer " + slot.get("layer") + " " + slot.get("role");
            compared += checkCommon(slot, scales, context);
            JsonNode wanted =
                    slot.get("scales").get(scheme.format).path(scheme.strategy).path(scheme.version);
            if (wanted.isMissingNode()) {
                continue;
            }
            List<String> bits = flat(wanted.get("bits"));
            List<String> zeros = wanted.has("zero_point") ? flat(wanted.get("zero_point")) : List.of();
            assertThat(scales.scale()).as(context).hasSize(bits.size());
            for (int i = 0; i < bits.size(); i++) {
                assertThat(hex(scales.scale()[i], dtype(scheme)))
                        .as(context + ", scale " + i)
                        .isEqualTo(bits.get(i));
                assertThat(scales.zeroPoint()[i])
                        .as(context + ", zero point " + i)
                        .isEqualTo(zeros.isEmpty() ? 0f : Float.parseFloat(zeros.get(i)));
                compared += 2;
            }
            compared += checkRanges(slot, scales, scheme, context);
        }
        return compared;
    }

    private String dtype(Scheme scheme) {
        return scheme.version.equals("input") ? expected.get("dtype").asText() : "F32";
    }

    private int checkCommon(JsonNode slot, SlotScales scales, String context) {
        String dtype = expected.get("dtype").asText();
        assertThat(scales.geometry().dtype().name()).isEqualTo(dtype);
        assertThat(scales.geometry().heads()).isEqualTo(expected.get("kv_heads").asInt());
        assertThat(scales.geometry().headDim())
                .isEqualTo(expected.get("head_dim").asInt());
        assertThat(scales.count()).as(context).isEqualTo(slot.get("count").asLong());
        assertThat(hex(scales.min(), dtype))
                .as(context)
                .isEqualTo(slot.get("min_bits").asText());
        assertThat(hex(scales.max(), dtype))
                .as(context)
                .isEqualTo(slot.get("max_bits").asText());
        assertThat(scales.minSample())
                .as(context)
                .isEqualTo(slot.get("min_sample").asText());
        assertThat(scales.maxSample())
                .as(context)
                .isEqualTo(slot.get("max_sample").asText());
        return 5;
    }

    /** Compares ranges, if the file has them with the scheme's granularity. @return the count of compared numbers */
    private int checkRanges(JsonNode slot, SlotScales scales, Scheme scheme, String context) {
        String prefix = switch (scheme.strategy) {
            case "attn_head" -> "head";
            case "channel" -> "channel";
            default -> "";
        };
        if (prefix.isEmpty() || !slot.has(prefix + "_min_bits")) {
            return 0;
        }
        List<String> least = flat(slot.get(prefix + "_min_bits"));
        List<String> greatest = flat(slot.get(prefix + "_max_bits"));
        String dtype = expected.get("dtype").asText();
        for (int i = 0; i < least.size(); i++) {
            assertThat(hex(scales.rangeMin()[i], dtype)).as(context).isEqualTo(least.get(i));
            assertThat(hex(scales.rangeMax()[i], dtype)).as(context).isEqualTo(greatest.get(i));
        }
        return 2 * least.size();
    }

    private static List<String> flat(JsonNode node) {
        List<String> flat = new ArrayList<>();
        if (node.isArray()) {
            node.forEach(child -> flat.addAll(flat(child)));
        } else {
            flat.add(node.asText());
        }
        return flat;
    }

    /** The bits of a number that the dtype holds exactly. */
    private static String hex(float value, String dtype) {
        int bits = Float.floatToRawIntBits(value);
        return switch (dtype) {
            case "F32" -> String.format(Locale.ROOT, "%08x", bits);
            case "BF16" -> {
                assertThat(bits & 0xffff).isZero();
                yield String.format(Locale.ROOT, "%04x", bits >>> 16);
            }
            case "F16" -> {
                String pattern = String.format(Locale.ROOT, "%04x", half(value));
                yield pattern;
            }
            default -> throw new IllegalArgumentException(dtype);
        };
    }

    private static int half(float value) {
        for (int pattern = 0; pattern < 0x7c00; pattern++) {
            float magnitude = pattern < 0x400
                    ? pattern * 0x1p-24f
                    : (float) ((0x400 | pattern & 0x3ff) * Math.pow(2, (pattern >> 10) - 25));
            if (magnitude == Math.abs(value)) {
                return pattern | (Float.floatToRawIntBits(value) < 0 ? 0x8000 : 0);
            }
        }
        throw new AssertionError(value + " is not an f16 number");
    }
}
