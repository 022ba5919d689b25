package io.kvscale.job.check;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Lists of patterns that change names, applied one after the other. */
final class Patterns {
    private Patterns() {}

    static Map<Pattern, String> of(List<Map.Entry<String, String>> entries) {
        Map<Pattern, String> patterns = new LinkedHashMap<>();
        entries.forEach(entry -> patterns.put(Pattern.compile(entry.getKey()), entry.getValue()));
        return patterns;
    }

    static String replaced(String name, Map<Pattern, String> patterns) {
        String replaced = name;
        for (Map.Entry<Pattern, String> entry : patterns.entrySet()) {
            replaced = entry.getKey().matcher(replaced).replaceFirst(entry.getValue());
        }
        return replaced;
    }
}
