package io.kvscale.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.job.checkpoint.Checkpoint;
import io.kvscale.job.checkpoint.CheckpointScale;
import io.kvscale.tensor.Role;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Replays the rules of an engine on the tensor names and configs of a checkpoint. */
public final class ScaleCheck {
    static final List<EngineRules> ENGINES = List.of(new VllmRules(), new SglangRules(), new TensorRtLlmRules());

    private final EngineRules rules;
    private final CheckedModel model;
    private final boolean queries;
    private final Map<String, List<CheckpointScale>> byParameter = new HashMap<>();
    private final Map<String, String> unread = new HashMap<>();
    private final Set<String> ignored = new LinkedHashSet<>();

    private ScaleCheck(EngineRules rules, CheckedModel model, boolean queries) {
        this.rules = rules;
        this.model = model;
        this.queries = queries;
    }

    /** The words of {@code --for}. */
    public static List<String> targets() {
        return ENGINES.stream().map(EngineRules::target).toList();
    }

    /**
     * Says which scale each attention layer would run with.
     *
     * @param target one of {@link #targets}
     * @param names the attention modules of the checkpoint
     * @param skipped the layers that stay in 16 bits because the user starts the engine so
     * @throws IllegalArgumentException for another target
     */
    public static CheckResult run(String target, Checkpoint checkpoint, AttentionNames names, Set<Integer> skipped) {
        return run(target, checkpoint, names, skipped, false);
    }

    /**
     * The same, with the scales of queries.
     *
     * @param queries whether each layer should have a {@code q_scale}, which the engine must load
     */
    public static CheckResult run(
            String target, Checkpoint checkpoint, AttentionNames names, Set<Integer> skipped, boolean queries) {
        EngineRules rules = ENGINES.stream()
                .filter(engine -> engine.target().equals(target))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there are no rules for " + target));
        return new ScaleCheck(rules, CheckedModel.of(checkpoint, names), queries).result(skipped);
    }

    private CheckResult result(Set<Integer> skipped) {
        LoadPlan plan = rules.plan(model);
        model.checkpoint().scales().forEach((name, scale) -> {
            byParameter
                    .computeIfAbsent(rules.parameter(name, model), any -> new ArrayList<>())
                    .add(scale);
            ignored.add(name);
        });
        model.checkpoint().unreadScales().forEach((name, file) -> unread.put(rules.parameter(name, model), file));
        List<LayerVerdict> layers = new ArrayList<>();
        model.modules().forEach((layer, module) -> {
            LayerVerdict verdict = verdict(plan, layer, module);
            layers.add(
                    skipped.contains(layer) && plan.outcome() != LoadPlan.Outcome.REFUSE
                            ? new LayerVerdict(
                                    layer,
                                    module,
                                    SlotVerdict.skipped(),
                                    verdict.value() == null ? null : SlotVerdict.skipped(),
                                    verdict.query() == null ? null : SlotVerdict.skipped())
                            : verdict);
        });
        return new CheckResult(
                rules.target(),
                rules.versions(),
                model.checkpoint().quantMethod(),
                plan.cacheType(),
                plan.needed(),
                List.copyOf(layers),
                ignored.stream().filter(ScaleCheck::isOfKeyOrValue).toList(),
                notes(plan));
    }

    /** The notes of the plan, and whether the two configs name two types of the cache. */
    private List<String> notes(LoadPlan plan) {
        List<String> notes = new ArrayList<>(plan.notes());
        JsonNode file = model.checkpoint().hfQuantConfig();
        JsonNode read = model.quantization();
        if (file != null && read != file) {
            String inFile = new ModelOptConfig(file).cacheWord();
            String inConfig = new ModelOptConfig(read).cacheWord();
            if (!inFile.equals(inConfig)) {
                notes.add("config.json says " + inConfig + " for the KV cache, hf_quant_config.json says " + inFile
                        + "; vLLM and SGLang read config.json, TensorRT-LLM reads hf_quant_config.json");
            }
        }
        return notes;
    }

    /** Scales of Q and of probabilities are another matter. */
    private static boolean isOfKeyOrValue(String name) {
        return !name.endsWith("q_scale") && !name.contains("q_proj.") && !name.contains("prob_output");
    }

    private LayerVerdict verdict(LoadPlan plan, int layer, String module) {
        String keyName = rules.parameterOf(module, Role.KEY, model);
        String valueName = rules.parameterOf(module, Role.VALUE, model);
        @Nullable CheckpointScale key = tensor(keyName);
        @Nullable CheckpointScale value = tensor(valueName);
        PairRule.Pair pair = switch (plan.outcome()) {
            case REFUSE -> PairRule.Pair.refused(key, value, plan.reason());
            case DROP -> PairRule.Pair.unscaled(key, value, plan.reason());
            case LOAD -> plan.pairs().verdicts(key, absent(keyName), value, absent(valueName));
        };
        return new LayerVerdict(
                layer,
                module,
                checked(plan, layer, Role.KEY, keyName, pair.key()).held(plan.held()),
                model.mla()
                        ? null
                        : checked(plan, layer, Role.VALUE, valueName, pair.value())
                                .held(plan.held()),
                queries ? query(plan, layer, module) : null);
    }

    /** The scale of queries counts alone, and is 1.0 where it is missing. */
    private SlotVerdict query(LoadPlan plan, int layer, String module) {
        String name = rules.parameterOf(module, Role.QUERY, model);
        @Nullable CheckpointScale tensor = tensor(name);
        SlotVerdict verdict = switch (plan.outcome()) {
            case REFUSE -> SlotVerdict.refused(tensor, plan.reason());
            case DROP -> SlotVerdict.unscaled(tensor, plan.reason());
            case LOAD ->
                PairRule.SEPARATE.verdicts(tensor, absent(name), null, "").key();
        };
        return checked(plan, layer, Role.QUERY, name, verdict).held(plan.held());
    }

    private @Nullable CheckpointScale tensor(String parameter) {
        List<CheckpointScale> found = byParameter.getOrDefault(parameter, List.of());
        found.forEach(tensor -> ignored.remove(tensor.name()));
        return found.isEmpty() ? null : found.get(found.size() - 1);
    }

    private String absent(String parameter) {
        String file = unread.get(parameter);
        return file == null
                ? "no tensor of the checkpoint becomes " + parameter
                : "the scale is in " + file + ", which " + Checkpoint.INDEX + " does not name, so it is not read";
    }

    /** Checks what an engine checks when it loads the tensor: one for each parameter, with the right size. */
    private SlotVerdict checked(LoadPlan plan, int layer, Role role, String parameter, SlotVerdict verdict) {
        CheckpointScale tensor = verdict.tensor();
        if (plan.outcome() != LoadPlan.Outcome.LOAD || tensor == null) {
            return verdict;
        }
        List<CheckpointScale> all = byParameter.getOrDefault(parameter, List.of());
        if (all.size() > 1) {
            return SlotVerdict.invalid(
                    tensor,
                    all.get(0).name() + " and " + all.get(1).name() + " both become " + parameter
                            + "; delete one of them");
        }
        long heads = plan.byHead() ? model.heads(layer, role) : 1;
        long elements = tensor.elements();
        if (heads == 0 || elements == heads) {
            return verdict;
        } else if (!plan.byHead() || elements < heads && elements != 1) {
            return SlotVerdict.refused(
                    tensor,
                    "the tensor has " + elements + " elements, expected "
                            + (plan.byHead() ? heads + ", one for each head" : "one"));
        }
        return SlotVerdict.invalid(
                tensor,
                elements == 1
                        ? "the tensor has one element for " + heads + " KV heads, which serves all of them"
                        : "the tensor has " + elements + " elements, of which the first " + heads + " are used");
    }
}
