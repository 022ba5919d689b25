package io.kvscale.job.advice;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.recipe.Recipe;
import io.kvscale.quant.Tolerances;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class AdviceRecipeTest {
    private static final Tolerances NOTHING = new Tolerances(false, false, false, false);

    /** Random formats for each slot; some layers are unquantized. */
    private static Advice random(int layers, int formats, boolean values, SplittableRandom random) {
        List<SlotAdvice> slots = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            boolean skipped = random.nextInt(6) == 0;
            for (Role role : values ? List.of(Role.KEY, Role.VALUE) : List.of(Role.KEY)) {
                SlotCandidates slot = TestSlots.slot(layer, role, 64, random);
                // Nested random numbers make one format more common than others.
                int format = random.nextInt(1 + random.nextInt(formats));
                slots.add(new SlotAdvice(
                        slot, skipped ? slot.unquantized() : slot.quantized().get((format + layers) % 5)));
            }
        }
        return advice(slots, NOTHING);
    }

    private static Advice advice(List<SlotAdvice> slots, Tolerances allowed) {
        return new Advice(new MinSqnr(new BigDecimal("30")), Strategy.TENSOR, null, slots, allowed, List.of());
    }

    @Test
    void theRecipeHasTheSchemeOfEverySlotAndIgnoresSkippedLayers() {
        SplittableRandom random = new SplittableRandom(8);
        int recipes = 0;
        for (int round = 0; round < 300; round++) {
            int layers = round == 0 ? 450 : 1 + random.nextInt(12);
            Advice advice = random(layers, 1 + random.nextInt(5), random.nextInt(4) > 0, random);
            String text = advice.recipe();
            if (text == null) {
                assertThat(advice.skippedLayers()).hasSize(layers);
                continue;
            }
            recipes++;
            Recipe recipe = Recipe.parse(text, "advice.yaml");
            assertThat(recipe.notices()).isEmpty();
            for (SlotAdvice slot : advice.slots()) {
                boolean included =
                        recipe.capture().layerFilter().includes(slot.slot().layer());
                assertThat(included).as(text).isEqualTo(slot.chosen().isQuantized());
                if (included) {
                    assertThat(recipe.schemes().of(slot.slot()))
                            .as("%s in %s", slot.slot(), text)
                            .isEqualTo(slot.chosen().scheme());
                }
            }
            assertThat(idle(recipe.schemes(), advice)).as(text).isNull();
        }
        assertThat(recipes).isGreaterThan(250);
    }

    private static Object idle(SlotSchemes schemes, Advice advice) {
        return schemes.idle(advice.slots().stream()
                .filter(slot -> slot.chosen().isQuantized())
                .map(SlotAdvice::slot)
                .collect(Collectors.toCollection(TreeSet<Slot>::new)));
    }

    @Test
    void layersWithTheSameFormatShareAPattern() {
        List<SlotAdvice> slots = new ArrayList<>();
        for (int layer = 0; layer < 10; layer++) {
            for (Role role : Role.CACHED) {
                SlotCandidates slot = TestSlots.slot(layer, role, 64, new SplittableRandom(layer));
                boolean other = layer < 3 || (layer == 5 && role == Role.KEY);
                slots.add(new SlotAdvice(
                        slot, layer == 7 ? slot.unquantized() : slot.quantized().get(other ? 3 : 0)));
            }
        }
        Advice advice = advice(slots, new Tolerances(true, false, true, true));
        assertThat(Objects.requireNonNull(advice.recipe()).lines())
                .containsExactly(
                        "# kvscale advise --min-sqnr 30",
                        "kv_cache_scheme: {num_bits: 8, type: float, strategy: tensor, symmetric: true, dynamic: false,"
                                + " observer: mse, observer_kwargs: {norm: 2.0}}",
                        "kvscale:",
                        "  statistics: histogram",
                        "  hybrid: true",
                        "  allow_zero: true",
                        "  on_nonfinite: skip",
                        "  ignore: ['layers\\.7\\.']",
                        "  overrides:",
                        "    - {layers: ['layers\\.(0|1|2)\\.'], scheme: {num_bits: 4, type: int}}",
                        "    - {layers: ['layers\\.5\\.'], role: key, scheme: {num_bits: 4, type: int}}");
        assertThat(advice.skipArguments()).isEqualTo("--kv-cache-dtype-skip-layers 7");
    }
}
