package io.kvscale.job.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.option.RecipeKey;
import io.kvscale.option.ValueType.Kind;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.Observers;
import io.kvscale.scheme.Strategy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Compares the recipe keys with the reference in conf/README.md and with the defaults of the code. */
class RecipeKeyTest {
    /** A table row of five cells that begins with a key. */
    private static final Pattern ROW = Pattern.compile("\\| `[a-z_.]+` (\\|[^|]+){4}\\|");

    private static String row(RecipeKey key) {
        return "| `%s` | %s | %s | %s | %s |"
                .formatted(
                        key.path(),
                        key.type().shown(),
                        key.byDefault(),
                        key.scope().shown(),
                        key.sentence());
    }

    @Test
    void theReferenceHasOneRowForEachKey() throws IOException {
        List<String> rows = Files.readAllLines(Path.of("..", "conf", "README.md")).stream()
                .dropWhile(line -> !line.startsWith("## Keys under"))
                .filter(line -> ROW.matcher(line).matches())
                .toList();
        assertThat(rows)
                .containsExactlyElementsOf(Arrays.stream(RecipeKey.values())
                        .map(RecipeKeyTest::row)
                        .toList());
    }

    @Test
    void theReferenceHasEveryObserverStrategyFormatAndSchemeKey() throws IOException {
        String page = Files.readString(Path.of("..", "conf", "README.md"));
        assertThat(Observers.all()).allSatisfy(observer -> {
            String row = page.lines()
                    .filter(line -> line.startsWith("| `" + observer.word() + "`"))
                    .findFirst()
                    .orElse("");
            assertThat(row).isNotEmpty();
            observer.kwargs().forEach((key, value) -> assertThat(row).contains("`" + key + "`"));
        });
        assertThat(Strategy.values())
                .allSatisfy(strategy -> assertThat(page).contains("\n| `" + strategy.word() + "` |"));
        assertThat(KvCacheScheme.keys().words())
                .allSatisfy(key -> assertThat(page).contains("`" + key + "`"));
        assertThat(NumberFormat.values())
                .allSatisfy(format -> assertThat(page).contains(format.word().replace('_', ' ')));
    }

    /** An explicit default does not change the recipe. Defaults in words, such as "all layers", are not tested. */
    @ParameterizedTest
    @EnumSource
    void theDocumentedDefaultEqualsThatOfTheCode(RecipeKey key) {
        String value = key.byDefault();
        boolean literal = switch (key.type().kind()) {
            case FLAG -> value.equals("true") || value.equals("false");
            case WORD -> key.type().vocabulary().contains(value);
            case NUMBER, DECIMAL -> value.matches("\\d+");
            case TEXT -> value.matches("[a-z_.]+");
            case WORDS, TEXTS, SCHEME, COUNTS -> false;
        };
        if (!literal) {
            assertThat(value).matches("required|empty|(all|no|as|by|from|the|attention_mask,|true for) ?.*");
            return;
        }
        String scheme = key == RecipeKey.GLOBAL_SCALE ? "num_bits: 4, type: float, strategy: tensor_group" : "";
        String override = key.parent().equals("overrides") ? "layers: '1', scheme: {num_bits: 4}, " : "";
        String without = "{kv_cache_scheme: {%s}, kvscale: {%s}}"
                .formatted(scheme, override.isEmpty() ? "" : "overrides: [{" + override + "}]");
        String inner = key.leaf() + ": " + (key.type().kind() == Kind.TEXT ? "'" + value + "'" : value);
        String outer = !override.isEmpty()
                ? "overrides: [{" + override + inner + "}]"
                : key.parent().isEmpty() ? inner : key.parent() + ": {" + inner + "}";
        String with = "{kv_cache_scheme: {%s}, kvscale: {%s}}".formatted(scheme, outer);
        assertThat(Recipe.parse(with, "r.yaml"))
                .usingRecursiveComparison()
                .ignoringFields("given")
                .isEqualTo(Recipe.parse(without, "r.yaml"));
    }
}
