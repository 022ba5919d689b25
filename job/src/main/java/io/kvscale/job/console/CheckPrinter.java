package io.kvscale.job.console;

import io.kvscale.job.check.CheckResult;
import io.kvscale.job.check.LayerVerdict;
import io.kvscale.job.check.ScaleState;
import io.kvscale.job.check.SlotVerdict;
import io.kvscale.job.checkpoint.CheckpointScale;
import io.kvscale.json.Json;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Prints what an engine does with the scales of a model folder: a line for each layer, and why a scale is not used. */
public final class CheckPrinter {
    private static final int MAX_REASONS = 8;

    private CheckPrinter() {}

    /** @param model the folder, as the user named it */
    public static void print(String model, CheckResult result, PrintWriter out) {
        out.println(DataProblem.printable(model) + ": " + result.rules() + ", "
                + (result.quantMethod().isEmpty()
                        ? "no quant_method"
                        : "quant_method " + DataProblem.shown(result.quantMethod())));
        out.println("cache: --kv-cache-dtype auto means " + result.cacheType()
                + (result.needed() == null ? "" : "; start with --kv-cache-dtype " + result.needed()));
        boolean queries = result.layers().stream().anyMatch(layer -> layer.query() != null);
        List<Role> roles = queries ? List.of(Role.values()) : Role.CACHED;
        TextTable table = new TextTable(Stream.of(
                        Stream.of("layer"),
                        roles.stream().map(Role::scaleName),
                        roles.stream().map(Role::letter))
                .flatMap(heading -> heading)
                .toArray(String[]::new));
        for (LayerVerdict layer : result.layers()) {
            Map<Slot, SlotVerdict> slots = layer.slots();
            List<Object> row = new ArrayList<>(List.of(layer.layer()));
            for (Role role : roles) {
                SlotVerdict slot = slots.get(new Slot(layer.layer(), role));
                row.add(slot == null ? "" : scales(slot));
            }
            for (Role role : roles) {
                SlotVerdict slot = slots.get(new Slot(layer.layer(), role));
                row.add(slot == null ? "" : slot.state().word());
            }
            table.row(row.toArray());
        }
        table.print(out);
        reasons(result, out);
        if (!result.ignored().isEmpty()) {
            out.println(result.ignored().size() + " scale tensors belong to no layer above and are not used, first "
                    + DataProblem.shown(result.ignored().get(0)));
        }
        result.notes().forEach(note -> out.println("note: " + DataProblem.printable(note)));
        long bad = result.layers().stream().filter(layer -> !isOk(layer)).count();
        out.println(
                bad == 0
                        ? "all " + result.layers().size() + " layers run as intended"
                        : bad + " of " + result.layers().size() + " layers do not run with their scales");
    }

    private static boolean isOk(LayerVerdict layer) {
        return layer.slots().values().stream().allMatch(slot -> slot.state().isOk());
    }

    private static String scales(SlotVerdict slot) {
        return ScaleTablePrinter.scales(slot.values());
    }

    /** The reasons, each with the first slot of which it is true; the same reason of all layers is printed once. */
    private static void reasons(CheckResult result, PrintWriter out) {
        Map<String, List<Slot>> reasons = new LinkedHashMap<>();
        for (LayerVerdict layer : result.layers()) {
            layer.slots().forEach((slot, verdict) -> {
                if (!verdict.reason().isEmpty()) {
                    reasons.computeIfAbsent(verdict.reason(), any -> new ArrayList<>())
                            .add(slot);
                }
            });
        }
        reasons.entrySet().stream().limit(MAX_REASONS).forEach(reason -> {
            List<Slot> slots = reason.getValue();
            out.println(slots.get(0) + (slots.size() > 1 ? " and " + (slots.size() - 1) + " more" : "") + ": "
                    + DataProblem.printable(reason.getKey()));
        });
        if (reasons.size() > MAX_REASONS) {
            out.println("... and " + (reasons.size() - MAX_REASONS) + " more; --json prints all");
        }
    }

    /** The result as JSON. */
    public static String json(String model, CheckResult result) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("model", model);
        json.putAll(content(result));
        return Json.text(json);
    }

    /** The result as the members of a JSON object. */
    public static Map<String, @Nullable Object> content(CheckResult result) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("for", result.target());
        json.put("rules", result.rules());
        json.put("quant_method", result.quantMethod().isEmpty() ? null : result.quantMethod());
        json.put("auto_kv_cache_dtype", result.cacheType());
        json.put("needed_kv_cache_dtype", result.needed());
        json.put("ok", result.isOk());
        json.put("layers", result.layers().stream().map(CheckPrinter::json).toList());
        json.put("ignored", result.ignored());
        json.put("notes", result.notes());
        return json;
    }

    private static Map<String, @Nullable Object> json(LayerVerdict layer) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("layer", layer.layer());
        json.put("module", layer.module());
        layer.slots().forEach((slot, verdict) -> json.put(slot.role().word(), json(verdict)));
        return json;
    }

    private static Map<String, @Nullable Object> json(SlotVerdict slot) {
        CheckpointScale tensor = slot.tensor();
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put(
                "state",
                slot.state() == ScaleState.UNSCALED ? "unscaled" : slot.state().word());
        json.put("scale", slot.values());
        json.put("tensor", tensor == null ? null : tensor.name());
        json.put("file", tensor == null ? null : tensor.file());
        json.put("reason", slot.reason().isEmpty() ? null : slot.reason());
        return json;
    }
}
