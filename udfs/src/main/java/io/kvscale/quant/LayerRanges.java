package io.kvscale.quant;

import java.util.List;

/** Layer numbers in words: {@code layers 0 to 3, 7}. */
final class LayerRanges {
    private LayerRanges() {}

    /** @param layers in ascending order, at least one */
    static String of(List<Integer> layers) {
        StringBuilder text = new StringBuilder(layers.size() == 1 ? "layer " : "layers ");
        for (int i = 0; i < layers.size(); i++) {
            int first = i;
            while (i + 1 < layers.size() && layers.get(i + 1) == layers.get(i) + 1) {
                i++;
            }
            text.append(first == 0 ? "" : ", ").append(layers.get(first));
            if (i > first) {
                text.append(i == first + 1 ? ", " : " to ").append(layers.get(i));
            }
        }
        return text.toString();
    }
}
