package io.kvscale.model.onnx;

import java.util.List;
import java.util.Map;

/**
 * One operation of a graph.
 *
 * @param uses its inputs, and the names that graphs inside of its attributes mention
 * @param numbers those of its attributes that are a whole number
 * @param tagAt where its field begins in the file
 */
record OnnxNode(String operator, List<String> uses, List<String> outputs, Map<String, Long> numbers, long tagAt) {
    /** Stands for a node that is not there. */
    static final OnnxNode NONE = new OnnxNode("", List.of(), List.of(), Map.of(), 0);

    /** The name of an input; empty where it is left out. */
    String use(int index) {
        return index < uses.size() ? uses.get(index) : "";
    }
}
