package io.kvscale.model.onnx;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What an ONNX file says about its graph, without the values of its weights.
 *
 * @param initializers the weights of the graph itself, by name
 * @param external all weights, of graphs inside of attributes too, that lie in other files
 */
public record OnnxGraph(
        List<OnnxValue> inputs,
        List<OnnxValue> outputs,
        List<OnnxNode> nodes,
        Map<String, OnnxTensorEntry> initializers,
        List<OnnxTensorEntry> external) {

    /** The node that makes each tensor. */
    Map<String, OnnxNode> makers() {
        Map<String, OnnxNode> makers = new HashMap<>();
        nodes.forEach(node -> node.outputs().forEach(name -> makers.put(name, node)));
        // The name of outputs, and of inputs, that a node leaves out.
        makers.remove("");
        return makers;
    }

    /** The names of all files with external data, as the graph spells them, in the order of the file. */
    public Set<String> externalFiles() {
        Set<String> names = new LinkedHashSet<>();
        for (OnnxTensorEntry entry : external) {
            if (entry.location() != null) {
                names.add(entry.location());
            }
        }
        return names;
    }
}
