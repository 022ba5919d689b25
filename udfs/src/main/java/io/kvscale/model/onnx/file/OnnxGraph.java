package io.kvscale.model.onnx.file;

import java.util.ArrayList;
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
 * @param operators the version of the standard operator set; 0 for a graph inside an attribute
 * @param span where its field lies in the file
 */
public record OnnxGraph(
        List<Value> inputs,
        List<Value> outputs,
        List<Node> nodes,
        Map<String, Weights> initializers,
        List<Weights> external,
        long operators,
        Span span) {

    /**
     * Bytes of the file that hold a field with a message.
     *
     * @param tagAt where the field begins
     * @param from where the message begins
     * @param end where the field and the message end
     */
    public record Span(long tagAt, long from, long end) {}

    OnnxGraph withOperators(long version) {
        return new OnnxGraph(inputs, outputs, nodes, initializers, external, version, span);
    }

    /**
     * An input or output that the graph declares.
     *
     * @param elementType ONNX's TensorProto.DataType; 0 if none is declared
     * @param dims {@link #FREE} for a dimension without a fixed size
     * @param tagAt where its field begins in the file
     */
    public record Value(String name, int elementType, List<Long> dims, long tagAt) {
        public static final long FREE = -1;
    }

    /**
     * One operation.
     *
     * @param domain empty for standard operators
     * @param inputs their names; empty for one that is left out
     * @param captured the names that graphs inside its attributes mention
     * @param attributes the names of all attributes
     * @param numbers its integer attributes
     * @param reals its float attributes
     * @param span where its field lies in the file
     */
    public record Node(
            String domain,
            String operator,
            List<String> inputs,
            List<String> captured,
            List<String> outputs,
            Set<String> attributes,
            Map<String, Long> numbers,
            Map<String, Float> reals,
            Span span) {

        /** All names that must have a value before the node runs. */
        public List<String> uses() {
            List<String> uses = new ArrayList<>(inputs);
            uses.addAll(captured);
            return uses;
        }

        /** Whether it is an operator of ONNX Runtime itself. */
        public boolean isMicrosoft(String name) {
            return domain.equals("com.microsoft") && operator.equals(name);
        }

        /** Whether it is an operator of the ONNX standard. */
        public boolean isStandard(String name) {
            return (domain.isEmpty() || domain.equals("ai.onnx")) && operator.equals(name);
        }

        /** The name of an input; empty if it is left out. */
        public String input(int index) {
            return index < inputs.size() ? inputs.get(index) : "";
        }
    }

    /**
     * An initializer, or a tensor in an attribute.
     *
     * @param location the file that holds the values, below the model's folder; null for the graph's own file
     * @param offset in that file
     * @param length in bytes; -1 if type and dims determine it
     */
    public record Weights(
            String name,
            int elementType,
            List<Long> dims,
            @Nullable String location,
            long offset,
            long length) {}

    /** The node that produces each tensor. */
    public Map<String, Node> producers() {
        Map<String, Node> producers = new HashMap<>();
        nodes.forEach(node -> node.outputs().forEach(name -> producers.put(name, node)));
        // An input or output that a node leaves out has the empty name.
        producers.remove("");
        return producers;
    }

    /** The names of all files with external data, as the graph spells them, in the order of the file. */
    public Set<String> externalFiles() {
        Set<String> names = new LinkedHashSet<>();
        for (Weights weights : external) {
            if (weights.location() != null) {
                names.add(weights.location());
            }
        }
        return names;
    }
}
