package io.kvscale.model.onnx;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The structure of a graph, without the values of its weights.
 *
 * @param initializers the weights of the graph itself, by name
 * @param external all weights that lie in other files, those of graphs inside attributes included
 */
record OnnxGraph(
        List<Value> inputs,
        List<Value> outputs,
        List<Node> nodes,
        Map<String, Weights> initializers,
        List<Weights> external) {

    /**
     * An input or output that the graph declares.
     *
     * @param elementType ONNX's TensorProto.DataType; 0 if none is declared
     * @param dims {@link #FREE} for a dimension without a fixed size
     * @param tagAt where its field begins in the file
     */
    record Value(String name, int elementType, List<Long> dims, long tagAt) {
        static final long FREE = -1;
    }

    /**
     * One operation.
     *
     * @param uses its inputs, and the names that graphs inside its attributes mention
     * @param numbers its integer attributes
     * @param tagAt where its field begins in the file
     */
    record Node(String operator, List<String> uses, List<String> outputs, Map<String, Long> numbers, long tagAt) {}

    /**
     * An initializer, or a tensor in an attribute.
     *
     * @param location the file that holds the values, below the model's folder; null for the graph's own file
     * @param offset in that file
     * @param length in bytes; -1 if type and dims determine it
     */
    record Weights(
            String name,
            int elementType,
            List<Long> dims,
            @Nullable String location,
            long offset,
            long length) {}

    /** The node that produces each tensor. */
    Map<String, Node> producers() {
        Map<String, Node> producers = new HashMap<>();
        nodes.forEach(node -> node.outputs().forEach(name -> producers.put(name, node)));
        // An input or output that a node leaves out has the empty name.
        producers.remove("");
        return producers;
    }

    /** The names of all files with external data, as the graph spells them, in the order of the file. */
    Set<String> externalFiles() {
        Set<String> names = new LinkedHashSet<>();
        for (Weights weights : external) {
            if (weights.location() != null) {
                names.add(weights.location());
            }
        }
        return names;
    }
}
