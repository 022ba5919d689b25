package io.kvscale.job.state;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * What a run took from a state and gave to it.
 *
 * @param groupsReused groups of files that earlier runs had read
 * @param bytesReused their bytes
 * @param groupsRead groups of files that this run read
 * @param bytesRead their bytes
 * @param groupsNotKept groups that this run read, and could not write to the state
 */
public record StateUse(
        String folder, long groupsReused, long bytesReused, long groupsRead, long bytesRead, long groupsNotKept) {

    /** In one line. */
    public String shown() {
        return String.format(
                Locale.ROOT,
                "took %d groups (%.1f MB of captures) from the state, read %d (%.1f MB)",
                groupsReused,
                bytesReused / 1e6,
                groupsRead,
                bytesRead / 1e6);
    }

    /** The fields of run.json. */
    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("folder", folder);
        fields.put("groups_reused", groupsReused);
        fields.put("bytes_reused", bytesReused);
        fields.put("groups_read", groupsRead);
        fields.put("bytes_read", bytesRead);
        fields.put("groups_not_kept", groupsNotKept);
        return fields;
    }
}
