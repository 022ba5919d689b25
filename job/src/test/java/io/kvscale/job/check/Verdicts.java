package io.kvscale.job.check;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.job.checkpoint.Checkpoint;
import io.kvscale.job.checkpoint.CheckpointFolder;
import io.kvscale.tensor.Role;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** What an engine does with the scales of a folder, in short words for assertions. */
record Verdicts(CheckResult result) {
    static Verdicts of(String target, CheckpointFolder folder, Integer... skipped) {
        Checkpoint checkpoint = folder.read();
        return new Verdicts(
                ScaleCheck.run(target, checkpoint, AttentionNames.of(checkpoint), Set.copyOf(Arrays.asList(skipped))));
    }

    /** The states and values of all slots, as {@code [0 K loaded [0.5], 0 V 1.0 [1.0]]}. */
    List<String> states() {
        return result.layers().stream()
                .flatMap(layer -> layer.slots().entrySet().stream())
                .map(slot -> slot.getKey().layer() + " " + (slot.getKey().role() == Role.KEY ? "K " : "V ")
                        + slot.getValue().state().word() + " "
                        + Arrays.toString(slot.getValue().values()))
                .toList();
    }

    /** The reasons of all slots that have one, each once. */
    List<String> reasons() {
        return result.layers().stream()
                .flatMap(layer -> layer.slots().values().stream())
                .map(SlotVerdict::reason)
                .filter(reason -> !reason.isEmpty())
                .distinct()
                .toList();
    }
}
