package io.kvscale.job.recipe;

import io.kvscale.quant.search.Envelope;
import io.kvscale.scheme.Given;
import io.kvscale.scheme.InvalidSchemeException;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.Observers;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Role;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The scheme of each slot: {@code kv_cache_scheme}, changed by the keys of the role and by overrides. */
final class RoleSchemes {
    private static final String SCALE_DTYPE = "scale_dtype";
    private static final String GLOBAL_SCALE = "global_scale";
    private static final String STRATEGY = "strategy";
    private static final String TENSOR_GROUP = Strategy.TENSOR_GROUP.word();

    private final Section base;
    private final KvscaleSection kvscale;
    private final List<String> ignored;

    /** @throws RecipeException if {@code kv_cache_scheme} is not valid by itself */
    RoleSchemes(Section base, KvscaleSection kvscale, List<String> ignored) {
        this.base = base;
        this.kvscale = kvscale;
        this.ignored = ignored;
        parse(base, base.values(), key -> ignored.add(base.pathOf(key)));
        ScaleDtype own = kvscale.scaleDtype();
        Object overruled = base.get(SCALE_DTYPE);
        if (own != null
                && ("float32".equals(overruled) || "input".equals(overruled))
                && !own.word().equals(overruled)) {
            ignored.add(base.pathOf(SCALE_DTYPE));
        }
        Object convention = base.get(GLOBAL_SCALE);
        if (kvscale.globalScale() != null && convention != null && !convention.equals(kvscale.globalScale())) {
            throw kvscale.globalScaleError(
                    base.pathOf(GLOBAL_SCALE) + " is " + Given.shown(convention), "remove one of the two keys");
        }
    }

    /** The schemes of all slots. */
    SlotSchemes all() {
        List<SlotSchemes.Override> overrides = new ArrayList<>();
        for (KvscaleSection.LayerScheme override : kvscale.overrides()) {
            overrides.add(new SlotSchemes.Override(
                    override.path(),
                    override.layers(),
                    override.role() == Role.VALUE ? null : scheme(Role.KEY, override.scheme()),
                    override.role() == Role.KEY ? null : scheme(Role.VALUE, override.scheme())));
        }
        SlotSchemes schemes = new SlotSchemes(
                scheme(Role.KEY, null),
                scheme(Role.VALUE, null),
                overrides,
                kvscale.asksForQueries() ? scheme(Role.QUERY, null) : null);
        if (kvscale.globalScale() != null
                && schemes.all().stream().noneMatch(scheme -> scheme.strategy() == Strategy.TENSOR_GROUP)) {
            throw kvscale.globalScaleError(
                    "no scheme has the strategy tensor_group (NVFP4)",
                    "remove it, or write strategy: tensor_group, num_bits: 4, type: float in the scheme");
        }
        return schemes;
    }

    /** @param further an override, applied after the keys of the role; null for none */
    private QuantizationScheme scheme(Role role, @Nullable Section further) {
        Map<String, Object> fields = new LinkedHashMap<>(base.values());
        ScaleDtype scaleDtype = kvscale.scaleDtype();
        if (scaleDtype != null) {
            fields.put(SCALE_DTYPE, scaleDtype.word());
        }
        Section last = base;
        for (Section override : Arrays.asList(kvscale.scheme(role), further)) {
            if (override != null && !override.values().isEmpty()) {
                apply(override, fields);
                last = override;
            }
        }
        String convention = kvscale.globalScale();
        Object strategy = fields.get(STRATEGY);
        if (convention != null && strategy instanceof String word && TENSOR_GROUP.equalsIgnoreCase(word)) {
            fields.putIfAbsent(GLOBAL_SCALE, convention);
        }
        Section where = last;
        QuantizationScheme parsed = parse(where, fields, key -> {
            if (where != base && where.values().containsKey(key.split("\\.", 2)[0])) {
                ignored.add(where.pathOf(key));
            }
        });
        return role == Role.KEY ? key(parsed) : notRotated(role, parsed, where);
    }

    private QuantizationScheme key(QuantizationScheme scheme) {
        if (!kvscale.envelope() || scheme.observer().equals(new Envelope())) {
            return scheme;
        }
        if (!scheme.observer().equals(Observers.byDefault())) {
            throw kvscale.envelopeError(
                    "keys.envelope is true, but the observer of K is "
                            + scheme.observer().word() + ", which takes its ranges from the values that were seen",
                    "remove one of the two, or write key: {scheme: {observer: static_minmax}}");
        }
        return scheme.with(new Envelope());
    }

    private static QuantizationScheme notRotated(Role role, QuantizationScheme scheme, Section where) {
        if (scheme.observer().needsPairs()) {
            throw where.error(
                    "observer",
                    "observer " + scheme.observer().word() + " is for K only, but it would give the scales of "
                            + role.letter() + " too",
                    "write observer: static_minmax, and keys: {envelope: true} under kvscale");
        }
        return scheme;
    }

    private static void apply(Section override, Map<String, Object> fields) {
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

    /** An override of one key resets a key that depends on it to its default, unless it sets that key too. */
    private static void dropDependent(Map<String, Object> fields, Section override, String key, String dependent) {
        Object given = override.get(key);
        if (given != null && !given.equals(fields.get(key))) {
            fields.remove(dependent);
        }
    }

    private static QuantizationScheme parse(Section where, Map<String, ?> fields, Consumer<String> ignored) {
        try {
            return KvCacheScheme.parse(fields, ignored);
        } catch (InvalidSchemeException e) {
            throw where.error(e.key(), e.what(), e.remedy());
        }
    }
}
