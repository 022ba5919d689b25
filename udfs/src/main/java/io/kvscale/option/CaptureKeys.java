package io.kvscale.option;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.LayerFilter;
import io.kvscale.capture.layout.LayerPattern;
import io.kvscale.capture.layout.Layout;
import io.kvscale.capture.layout.TableColumns;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the keys that say how captures are read. */
public final class CaptureKeys {
    private CaptureKeys() {}

    /** @throws RuntimeException {@link KeyValues#error} for a value that cannot be used */
    public static CaptureOptions read(KeyValues values) {
        String layout = values.word(RecipeKey.LAYOUT);
        String key = pattern(values, RecipeKey.KEY_TENSORS);
        String value = pattern(values, RecipeKey.VALUE_TENSORS);
        int kvHeads = (int) values.number(RecipeKey.KV_HEADS, 0);
        int headDim = (int) values.number(RecipeKey.HEAD_DIM, 0);
        String mask = values.text(RecipeKey.MASK);
        List<String> targets = layers(values, RecipeKey.TARGETS);
        List<String> ignore = layers(values, RecipeKey.IGNORE);
        boolean mla = values.flag(RecipeKey.MLA, false);
        TableColumns columns = new TableColumns(
                column(values, RecipeKey.COLUMNS_SAMPLE),
                column(values, RecipeKey.COLUMNS_LAYER),
                column(values, RecipeKey.COLUMNS_ROLE),
                column(values, RecipeKey.COLUMNS_SHAPE),
                column(values, RecipeKey.COLUMNS_HEADS),
                column(values, RecipeKey.COLUMNS_HEAD_DIM),
                column(values, RecipeKey.COLUMNS_DTYPE),
                column(values, RecipeKey.COLUMNS_DATA));
        CaptureOptions.@Nullable Queries queries = queries(values);
        return values.check(
                null,
                () -> new CaptureOptions(
                                key,
                                value,
                                layout == null ? null : Layout.named(layout).orElseThrow(),
                                kvHeads,
                                headDim,
                                mask,
                                targets,
                                ignore,
                                mla,
                                columns)
                        .with(queries));
    }

    /** How queries are read; null if no key of {@code query} is given: they are not read. */
    public static CaptureOptions.@Nullable Queries queries(KeyValues values) {
        String tensors = pattern(values, RecipeKey.QUERY_TENSORS);
        return tensors == null && values.get(RecipeKey.QUERY_SCHEME) == null
                ? null
                : new CaptureOptions.Queries(tensors);
    }

    private static @Nullable String pattern(KeyValues values, RecipeKey key) {
        String regex = values.text(key);
        if (regex != null) {
            values.check(key, () -> LayerPattern.compile(regex));
        }
        return regex;
    }

    private static List<String> layers(KeyValues values, RecipeKey key) {
        List<String> patterns = values.texts(key);
        values.check(key, () -> new LayerFilter(patterns, List.of()));
        return patterns;
    }

    private static String column(KeyValues values, RecipeKey key) {
        String name = values.text(key);
        return name == null ? key.byDefault() : name;
    }
}
