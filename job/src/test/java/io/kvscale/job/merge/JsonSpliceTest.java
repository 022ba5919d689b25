package io.kvscale.job.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.job.Folder;
import io.kvscale.job.target.JsonEdit;
import io.kvscale.tensor.InvalidDataException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonSpliceTest {
    private static String apply(String text, String path, Map<String, ? extends @Nullable Object> entries) {
        return JsonSplice.apply(text, new JsonEdit(path.isEmpty() ? List.of() : List.of(path.split("/")), entries));
    }

    @Test
    void everyOtherCharacterStays() {
        String text = "{ \"eps\": 1e-05,\t\"limit\": [0.0, Infinity, NaN], \"big\": 12345678901234567890123.10,"
                + "\"name\": \"\\u00e9\\/\", \"z\": 1, \"a\":{\"b\" : null } }\n";
        assertThat(apply(text, "", Map.of("z", 2))).isEqualTo(text.replace("\"z\": 1", "\"z\": 2"));
        assertThat(apply(text, "a", Map.of("b", "c"))).isEqualTo(text.replace("null", "\"c\""));
    }

    @Test
    void newEntriesComeLast() {
        assertThat(apply("{\"b\": 1}", "", Map.of("a", true))).isEqualTo("{\"b\": 1,\n  \"a\": true\n}");
        assertThat(apply("{}", "", Map.of("a", true))).isEqualTo("{\n  \"a\": true\n}");
        assertThat(apply("{\"o\": {\"b\": 1\n  }\n}\n", "o", Map.of("a", List.of())))
                .isEqualTo("{\"o\": {\"b\": 1,\n    \"a\": [ ]\n  }\n}\n");
    }

    @Test
    void oldAndNewEntriesOfOneEdit() {
        Map<String, Object> entries = new LinkedHashMap<>();
        entries.put("n1", "x");
        entries.put("c", "longer than before");
        entries.put("a", 1);
        entries.put("n2", Map.of("k", 0.5));
        assertThat(Folder.json(apply("{\"a\": {\"c\": [1, {\"a\": 2}]}, \"b\": 3, \"c\": \"y\"}", "", entries)))
                .isEqualTo(Folder.json("{\"a\": 1, \"b\": 3, \"c\": \"longer than before\", \"n1\": \"x\","
                        + " \"n2\": {\"k\": 0.5}}"));
    }

    @Test
    void missingObjectsAreMade() {
        assertThat(Folder.json(apply("{\"x\": 1}", "a/b", Map.of("c", 2))))
                .isEqualTo(Folder.json("{\"x\": 1, \"a\": {\"b\": {\"c\": 2}}}"));
        assertThat(Folder.json(apply("{\"a\": {\"b\": null}}", "a/b", Map.of("c", 2))))
                .isEqualTo(Folder.json("{\"a\": {\"b\": {\"c\": 2}}}"));
        assertThat(Folder.json(apply("{\"a\": null}", "a/b", Map.of("c", 2))))
                .isEqualTo(Folder.json("{\"a\": {\"b\": {\"c\": 2}}}"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"a\": 1, \"a\": 2}",
                "[1]",
                "{\"a\": ",
                "",
                "{\"a\": {\"b\": 1",
            })
    void malformedTextsAreRefused(String text) {
        assertThatThrownBy(() -> apply(text, "", Map.of("a", 1))).isInstanceOf(InvalidDataException.class);
    }

    @Test
    void aValueOnTheWayThatIsNoObjectIsRefused() {
        assertThatThrownBy(() -> apply("{\"a\": [1]}", "a", Map.of("b", 1)))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("'a' is not a JSON object");
        assertThatThrownBy(() -> apply("{\"a\": {}, \"a\": {}}", "a", Map.of("b", 1)))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("'a' is there twice");
    }
}
