package io.kvscale.job.recipe;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/**
 * What to calibrate and how, as a validated recipe says it: llm-compressor's YAML, or only {@code kv_cache_scheme}, and
 * beside it our own keys under {@code kvscale}.
 *
 * @param name where it was read from, for messages
 * @param schemes how every slot is quantized
 * @param capture how the captures are read
 * @param statistics what the pass keeps of the values
 * @param hybrid some layers may be missing: they keep no KV cache
 * @param allowZero a slot of zeros only gets the eps scale instead of an error
 * @param keysBeforeRope keys were captured before RoPE
 * @param text how texts are calibrated on, where the input is text
 * @param notices what the user should be told once: keys that are not acted on, doubtful choices
 */
public record Recipe(
        String name,
        SlotSchemes schemes,
        CaptureOptions capture,
        StatisticsKind statistics,
        boolean hybrid,
        boolean allowZero,
        OnNonfinite onNonfinite,
        boolean keysBeforeRope,
        TextSettings text,
        List<String> notices)
        implements Serializable {

    private static final int MAX_LISTED = 20;

    public Recipe {
        notices = List.copyOf(notices);
    }

    /**
     * The recipe in a text.
     *
     * @param yaml YAML or JSON; not trusted
     * @param name what messages call it: the name of its file
     * @throws RecipeException for anything that is wrong with it
     */
    public static Recipe parse(String yaml, String name) {
        Section top = Section.of(name, "", RecipeYaml.load(yaml, name));
        Section ours = top.section(SchemeFinder.KVSCALE);
        KvscaleSection kvscale = new KvscaleSection(ours);
        SchemeFinder finder = new SchemeFinder();
        Section scheme = finder.find(top);
        List<String> notActedOn = new ArrayList<>();
        RoleSchemes schemes = new RoleSchemes(scheme, kvscale, notActedOn);
        SlotSchemes all = schemes.all();
        return new Recipe(
                name,
                all,
                kvscale.capture(),
                kvscale.statistics(all),
                kvscale.hybrid(),
                kvscale.allowZero(),
                kvscale.onNonfinite(),
                kvscale.keysBeforeRope(),
                TextKeys.read(ours),
                notices(finder.notActedOn(), notActedOn, kvscale.keysBeforeRope()));
    }

    /** The recipe in a local file. @throws RecipeException if it is absent or wrong */
    public static Recipe read(Path file) {
        return parse(RecipeFile.read(file), file.toString());
    }

    /** The recipe in a file of any file system that Hadoop knows. @throws RecipeException if it is absent or wrong */
    public static Recipe read(org.apache.hadoop.fs.Path file, Configuration configuration) {
        return parse(RecipeFile.read(file, configuration), file.toString());
    }

    /** The scheme of K where no override holds. */
    public QuantizationScheme key() {
        return schemes.key();
    }

    /** The scheme of V where no override holds. */
    public QuantizationScheme value() {
        return schemes.value();
    }

    /** Whether layers hold one latent tensor and no V. */
    public boolean mla() {
        return capture.mla();
    }

    private static List<String> notices(List<String> foreign, List<String> ignored, boolean keysBeforeRope) {
        List<String> notices = new ArrayList<>();
        if (!foreign.isEmpty()) {
            notices.add("not acted on, for these keys do not concern the KV cache: "
                    + listed(foreign)
                    + " (layers are chosen by kvscale.targets and kvscale.ignore)");
        }
        if (!ignored.isEmpty()) {
            notices.add("not acted on: " + listed(ignored)
                    + " (kvscale.scale_dtype says how scales are computed; zero points follow num_bits and type)");
        }
        if (keysBeforeRope) {
            notices.add("keys: before_rope: serving engines cache keys after RoPE, so these k_scale values do not"
                    + " fit their cache");
        }
        return notices;
    }

    private static String listed(List<String> keys) {
        List<String> shown = keys.stream().distinct().map(DataProblem::shown).toList();
        return shown.size() <= MAX_LISTED
                ? String.join(", ", shown)
                : String.join(", ", shown.subList(0, MAX_LISTED)) + " and " + (shown.size() - MAX_LISTED) + " more";
    }
}
