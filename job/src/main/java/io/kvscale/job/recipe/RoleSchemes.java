package io.kvscale.job.recipe;

import io.kvscale.scheme.InvalidSchemeException;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.tensor.Role;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** The schemes of K and V: {@code kv_cache_scheme}, overlaid by what {@code kvscale:} says about a role. */
final class RoleSchemes {
    private static final String SCALE_DTYPE = "scale_dtype";

    private final Section base;
    private final KvscaleSection kvscale;
    private final List<String> notActedOn;

    /** @throws RecipeException if the base cannot be used as it stands */
    RoleSchemes(Section base, KvscaleSection kvscale, List<String> notActedOn) {
        this.base = base;
        this.kvscale = kvscale;
        this.notActedOn = notActedOn;
        parse(base, base.values(), key -> notActedOn.add(base.pathOf(key)));
        ScaleDtype ours = kvscale.scaleDtype();
        Object theirs = base.get(SCALE_DTYPE);
        if (ours != null
                && ("float32".equals(theirs) || "input".equals(theirs))
                && !ours.word().equals(theirs)) {
            notActedOn.add(base.pathOf(SCALE_DTYPE));
        }
    }

    QuantizationScheme scheme(Role role) {
        Map<String, Object> fields = new LinkedHashMap<>(base.values());
        ScaleDtype ours = kvscale.scaleDtype();
        if (ours != null) {
            fields.put(SCALE_DTYPE, ours.word());
        }
        Section override = kvscale.scheme(role);
        if (override.values().isEmpty()) {
            return parse(base, fields, key -> {});
        }
        dropDependent(fields, override, "strategy", "group_size");
        dropDependent(fields, override, "group_size", "strategy");
        dropDependent(fields, override, "observer", "observer_kwargs");
        fields.putAll(override.values());
        return parse(override, fields, key -> {
            if (override.values().containsKey(key)) {
                notActedOn.add(override.pathOf(key));
            }
        });
    }

    /** Who overrides one of a pair and not the other means the other's default for it, not the base's value. */
    private static void dropDependent(Map<String, Object> fields, Section override, String key, String dependent) {
        Object given = override.get(key);
        if (given != null && !given.equals(fields.get(key))) {
            fields.remove(dependent);
        }
    }

    private static QuantizationScheme parse(Section where, Map<String, ?> fields, Consumer<String> notActedOn) {
        try {
            return KvCacheScheme.parse(fields, notActedOn);
        } catch (InvalidSchemeException e) {
            throw where.error(e.key(), e.what(), e.remedy());
        }
    }
}
