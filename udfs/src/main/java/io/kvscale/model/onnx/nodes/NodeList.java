package io.kvscale.model.onnx.nodes;

import com.google.protobuf.ByteString;
import java.util.List;

/** Nodes in the order in which they are added. Field numbers are those of NodeProto in onnx.proto. */
public final class NodeList {
    private static final int GRAPH_NODE = 1;

    private final Message nodes = new Message();
    private final String prefix;
    private int count;

    /** @param prefix of the names of results, which must be unique in the graph */
    public NodeList(String prefix) {
        this.prefix = prefix;
    }

    /** Adds a standard operator with one output, and returns the output's name. */
    public String add(String operator, List<String> inputs, Attribute... attributes) {
        String output = prefix + "." + ++count;
        add("", operator, inputs, List.of(output), attributes);
        return output;
    }

    /** Adds a standard operator with float inputs. */
    String of(String operator, String... inputs) {
        return add(operator, List.of(inputs));
    }

    /** @param domain empty for standard operators */
    public void add(
            String domain, String operator, List<String> inputs, List<String> outputs, Attribute... attributes) {
        Message node = new Message();
        inputs.forEach(input -> node.text(1, input));
        outputs.forEach(output -> node.text(2, output));
        node.text(4, operator);
        for (Attribute attribute : attributes) {
            node.message(5, attribute.message());
        }
        if (!domain.isEmpty()) {
            node.text(7, domain);
        }
        nodes.message(GRAPH_NODE, node);
    }

    Message nodes() {
        return nodes;
    }

    /** The nodes as fields of GraphProto. */
    public ByteString toBytes() {
        return nodes.toBytes();
    }
}
