package io.kvscale.job.state;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * What a run took from a state and gave to it.
 *
 * @param groupsReused groups that earlier runs had read
 * @param reused their bytes or tokens
 * @param groupsRead groups that this run read
 * @param read their bytes or tokens
 * @param groupsNotKept groups that this run read, and could not write to the state
 */
public record StateUse(
        String folder, Unit unit, long groupsReused, long reused, long groupsRead, long read, long groupsNotKept) {
    /** What groups hold. */
    public enum Unit {
        BYTES {
            @Override
            String shown(long amount) {
                return String.format(Locale.ROOT, "%.1f MB", amount / 1e6);
            }
        },
        TOKENS {
            @Override
            String shown(long amount) {
                return amount + " tokens";
            }
        };

        abstract String shown(long amount);
    }

    /** In one line. */
    public String shown() {
        return "took " + groupsReused + " groups (" + unit.shown(reused) + " of "
                + (unit == Unit.BYTES ? "captures" : "texts") + ") from the state, "
                + (unit == Unit.BYTES ? "read " : "ran ") + groupsRead + " (" + unit.shown(read) + ")";
    }

    /** The fields of run.json. */
    public Map<String, Object> fields() {
        String word = unit.name().toLowerCase(Locale.ROOT);
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("folder", folder);
        fields.put("groups_reused", groupsReused);
        fields.put(word + "_reused", reused);
        fields.put("groups_read", groupsRead);
        fields.put(word + "_read", read);
        fields.put("groups_not_kept", groupsNotKept);
        return fields;
    }
}
