package io.kvscale.scheme.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.search.MovingAverage;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every field that is written, with every kind of wrong value: it is refused, or read as it stands. */
class TableFieldsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final List<String> WRONG = List.of(
            "null",
            "true",
            "\"\"",
            "\"a\"",
            "\"1\"",
            "[]",
            "{}",
            "[[]]",
            "{\"a\": 1}",
            "-1",
            "-9223372036854775808",
            "0.5",
            "-0.5",
            "1e30",
            "1e999",
            "-1e999",
            "9223372036854775807",
            "9223372036854775808",
            "\"NaN\"",
            "9".repeat(500));

    /** Fields that a table can do without, by their paths; numbers of arrays are left out. */
    private static final Set<String> OPTIONAL = Set.of(
            "model",
            "scales_sha256",
            "statistics_sha256",
            "corpus",
            "corpus.fingerprint",
            "corpus.files",
            "corpus.samples",
            "corpus.tokens",
            "corpus.values",
            "layers.key",
            "layers.value",
            "layers.key.shape",
            "layers.key.range",
            "layers.key.count",
            "layers.key.nan",
            "layers.key.inf",
            "layers.key.min_sample",
            "layers.key.max_sample",
            "layers.key.error",
            "layers.key.error.approximate");

    /** Whose absence is a default, as in a recipe: the rest may not fit it. */
    private static final Pattern DEFAULTED = Pattern.compile("(layers\\.key\\.)?scheme\\..*|layers\\.key\\.scheme");

    private static final QuantizationScheme HEAD = new QuantizationScheme(
            NumberFormat.INT8, Strategy.ATTN_HEAD, 0, false, new MovingAverage(0.02), ScaleDtype.INPUT);

    private record Place(List<String> path) {
        /** The path without the numbers of arrays; value slots count as key slots. */
        String name() {
            List<String> words = path.stream().filter(p -> !p.matches("\\d+")).toList();
            return String.join(".", words).replace("layers.value.", "layers.key.");
        }

        @Override
        public String toString() {
            return String.join("/", path);
        }
    }

    private static ObjectNode table() {
        SlotScales slot = new SlotScales(
                HEAD,
                new Geometry(Dtype.F32, 2, 4),
                new float[] {0.5f, 0.25f},
                new float[] {3, -128},
                new float[] {-60, -1},
                new float[] {62, 63},
                -60,
                63,
                80,
                3,
                4,
                "a#1",
                "b",
                new SlotScales.ErrorSummary(0.125, 30.5, 7, true));
        try {
            return (ObjectNode) JSON.readTree(new ScaleTable(
                            QuantizationScheme.fp8(),
                            new ScaleTable.CorpusSummary("0123456789abcdef".repeat(4), 1, 2, 3, 80),
                            new TreeMap<>(Map.of(new Slot(3, Role.KEY), slot, new Slot(3, Role.VALUE), slot)),
                            new ScaleTable.Provenance("LlamaForCausalLM", "ab".repeat(32), null))
                    .toJson());
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void places(JsonNode node, List<String> path, List<Place> to) {
        if (!path.isEmpty()) {
            to.add(new Place(path));
        }
        if (node instanceof ObjectNode object) {
            object.fieldNames().forEachRemaining(name -> places(object.get(name), plus(path, name), to));
        } else if (node instanceof ArrayNode array) {
            for (int i = 0; i < array.size(); i++) {
                places(array.get(i), plus(path, String.valueOf(i)), to);
            }
        }
    }

    private static List<String> plus(List<String> path, String name) {
        List<String> longer = new ArrayList<>(path);
        longer.add(name);
        return longer;
    }

    static Stream<Place> everyPlace() {
        List<Place> places = new ArrayList<>();
        places(table(), List.of(), places);
        return places.stream();
    }

    private static JsonNode parent(ObjectNode table, Place place) {
        return table.at("/"
                + String.join("/", place.path.subList(0, place.path.size() - 1)).replaceFirst("^$", ""));
    }

    private static ObjectNode changed(Place place, Consumer<JsonNode> change) {
        ObjectNode table = table();
        change.accept(place.path.size() == 1 ? table : parent(table, place));
        return table;
    }

    private static String last(Place place) {
        return place.path.get(place.path.size() - 1);
    }

    private static byte[] bytes(JsonNode table) {
        return table.toString().getBytes(StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @MethodSource("everyPlace")
    void aWrongValueIsRefusedOrReadAsItStands(Place place) throws Exception {
        for (String wrong : WRONG) {
            JsonNode value = JSON.readTree(wrong);
            ObjectNode table = changed(place, parent -> {
                if (parent instanceof ArrayNode array) {
                    array.set(Integer.parseInt(last(place)), value);
                } else {
                    ((ObjectNode) parent).set(last(place), value);
                }
            });
            // JsonNode prints an infinite number as a text.
            byte[] json = new String(bytes(table), StandardCharsets.UTF_8)
                    .replaceAll("\"?-?Infinity\"?", wrong)
                    .getBytes(StandardCharsets.UTF_8);
            try {
                ScaleTable read = ScaleTable.fromJson(json);
                JsonNode written = JSON.readTree(read.toJson()).at("/" + String.join("/", place.path));
                assertThat(sameValue(place, written, value))
                        .as("%s = %s became %s", place, wrong, written)
                        .isTrue();
            } catch (InvalidDataException e) {
                assertThat(e.getMessage().lines().count()).isLessThanOrEqualTo(3);
                assertThat(e).hasMessageContaining("derive the scales again").hasMessageNotContaining("Exception");
            }
        }
    }

    private static boolean sameValue(Place place, JsonNode written, JsonNode given) {
        if (last(place).equals("scales_sha256")) {
            return true; // a wrong one causes a warning, and the scales' own is written
        }
        if (given.isNull()
                && (Set.of("fingerprint", "model", "statistics_sha256").contains(last(place))
                        || DEFAULTED.matcher(place.name()).matches())) {
            return true;
        }
        if (given.isNumber() && written.isNumber()) {
            return given.asDouble() == written.asDouble() || (float) given.asDouble() == (float) written.asDouble();
        }
        return written.equals(given) || given.isObject() && written.isObject();
    }

    @ParameterizedTest
    @MethodSource("everyPlace")
    void aMissingFieldIsRefusedUnlessItIsOptional(Place place) {
        ObjectNode table = changed(place, parent -> {
            if (parent instanceof ArrayNode array) {
                array.remove(Integer.parseInt(last(place)));
            } else {
                ((ObjectNode) parent).remove(last(place));
            }
        });
        if (DEFAULTED.matcher(place.name()).matches()) {
            return;
        }
        if (OPTIONAL.contains(place.name()) && !last(place).matches("\\d+")) {
            assertThat(ScaleTable.fromJson(bytes(table)).slots()).isNotEmpty();
        } else {
            assertThatThrownBy(() -> ScaleTable.fromJson(bytes(table))).isInstanceOf(InvalidDataException.class);
        }
    }

    @ParameterizedTest
    @MethodSource("everyPlace")
    void aFieldGivenTwiceIsRefused(Place place) {
        if (last(place).matches("\\d+")) {
            return;
        }
        ObjectNode table = changed(place, parent -> {
            JsonNode value = parent.get(last(place));
            ((ObjectNode) parent).remove(last(place));
            ((ObjectNode) parent).set("TWICE", value);
        });
        String text = table.toString();
        String value = table.findValue("TWICE").toString();
        String field = "\"" + last(place) + "\":" + value;
        byte[] twice = text.replace("\"TWICE\":" + value, field + "," + field).getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> ScaleTable.fromJson(twice))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("duplicate name");
    }

    /** A misspelled optional field of a layer would be left out; notes beside the layers are left out. */
    @Test
    void anUnknownFieldIsRefusedInLayersOnly() {
        for (String at : List.of("", "/corpus")) {
            ObjectNode table = table();
            ((ObjectNode) table.at(at)).put("note", 1);
            assertThat(ScaleTable.fromJson(bytes(table)).toJson())
                    .isEqualTo(ScaleTable.fromJson(bytes(table())).toJson());
        }
        for (String at : List.of("/layers/0", "/layers/0/key", "/layers/0/value/error")) {
            ObjectNode table = table();
            ((ObjectNode) table.at(at)).put("schema", 1);
            assertThatThrownBy(() -> ScaleTable.fromJson(bytes(table)))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContainingAll("layer 3", "unknown field 'schema', expected some of [");
        }
        ObjectNode table = table();
        ((ObjectNode) table.at("/scheme")).put("schema", 1);
        assertThatThrownBy(() -> ScaleTable.fromJson(bytes(table))).isInstanceOf(InvalidDataException.class);
    }

    /** The writer's fields are those of the documentation, so that the tests above see all. */
    @Test
    void everyFieldIsThere() {
        Set<String> names = new TreeSet<>();
        everyPlace().map(Place::name).forEach(names::add);
        assertThat(names).containsAll(OPTIONAL).contains("layers.key.error.saturated", "scheme.group_size");
        assertThat(Arrays.asList("nan", "inf", "count", "min", "max"))
                .allSatisfy(name -> assertThat(names).contains("layers.key." + name));
    }
}
