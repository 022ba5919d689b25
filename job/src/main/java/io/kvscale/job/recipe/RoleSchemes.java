package io.kvscale.job.recipe;

import io.kvscale.option.RecipeKey;
import io.kvscale.scheme.Given;
import io.kvscale.scheme.InvalidSchemeException;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Role;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The schemes of slots: {@code kv_cache_scheme}, overlaid by what {@code kvscale:} says about a role, and for some layers by
 * an override.
 */
final class RoleSchemes {
    private static final String SCALE_DTYPE = "scale_dtype";
    private static final String GLOBAL_SCALE = "global_scale";
    private static final String STRATEGY = "strategy";
    private static final String TENSOR_GROUP = Strategy.TENSOR_GROUP.word();

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
        rejectContradiction(kvscale.globalScale(), base.get(GLOBAL_SCALE));
    }

    /** Two words for one thing: which of them a reader had in mind cannot be known. */
    private void rejectContradiction(@Nullable String ours, @Nullable Object theirs) {
        if (ours != null && theirs != null && !ours.equals(theirs)) {
            throw kvscale.error(
                    RecipeKey.GLOBAL_SCALE,
                    "global_scale: " + ours + ", but " + base.pathOf(GLOBAL_SCALE) + " is " + Given.shown(theirs),
                    "remove one of them");
        }
    }

    /** Of every slot. */
    SlotSchemes all() {
        List<SlotSchemes.Override> overrides = new ArrayList<>();
        for (KvscaleSection.LayerScheme said : kvscale.overrides()) {
            overrides.add(new SlotSchemes.Override(
                    said.path(),
                    said.layers(),
                    said.role() == Role.VALUE ? null : scheme(Role.KEY, said.scheme()),
                    said.role() == Role.KEY ? null : scheme(Role.VALUE, said.scheme())));
        }
        SlotSchemes schemes = new SlotSchemes(scheme(Role.KEY, null), scheme(Role.VALUE, null), overrides);
        String convention = kvscale.globalScale();
        if (convention != null && schemes.all().stream().noneMatch(RoleSchemes::isNvfp4)) {
            throw kvscale.error(
                    RecipeKey.GLOBAL_SCALE,
                    "global_scale: " + convention + ", but no scheme has the strategy tensor_group (NVFP4)",
                    "remove it, or say strategy: tensor_group, num_bits: 4, type: float in the scheme");
        }
        return schemes;
    }

    private static boolean isNvfp4(QuantizationScheme scheme) {
        return scheme.strategy() == Strategy.TENSOR_GROUP;
    }

    /** @param further laid over what holds for the role */
    private QuantizationScheme scheme(Role role, @Nullable Section further) {
        Map<String, Object> fields = new LinkedHashMap<>(base.values());
        ScaleDtype ours = kvscale.scaleDtype();
        if (ours != null) {
            fields.put(SCALE_DTYPE, ours.word());
        }
        Section last = base;
        for (Section override :
                further == null ? List.of(kvscale.scheme(role)) : List.of(kvscale.scheme(role), further)) {
            if (!override.values().isEmpty()) {
                lay(override, fields);
                last = override;
            }
        }
        String convention = kvscale.globalScale();
        Object strategy = fields.get(STRATEGY);
        if (convention != null && strategy instanceof String word && TENSOR_GROUP.equalsIgnoreCase(word)) {
            fields.putIfAbsent(GLOBAL_SCALE, convention);
        }
        Section told = last;
        return parse(told, fields, key -> {
            String top = key.substring(0, key.indexOf('.') < 0 ? key.length() : key.indexOf('.'));
            if (told != base && told.values().containsKey(top)) {
                notActedOn.add(told.pathOf(key));
            }
        });
    }

    private static void lay(Section override, Map<String, Object> fields) {
        dropDependent(fields, override, STRATEGY, "group_size");
        for (String key : new String[] {STRATEGY, "group_size"}) {
            dropDependent(fields, override, key, "dynamic");
            dropDependent(fields, override, key, GLOBAL_SCALE);
        }
        dropDependent(fields, override, "group_size", STRATEGY);
        dropDependent(fields, override, "observer", "observer_kwargs");
        dropDependent(fields, override, "num_bits", "format");
        dropDependent(fields, override, "type", "format");
        fields.putAll(override.values());
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
