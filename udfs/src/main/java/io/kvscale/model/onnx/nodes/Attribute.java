package io.kvscale.model.onnx.nodes;

/** An attribute of a node. Field numbers are those of AttributeProto in onnx.proto. */
public final class Attribute {
    private static final int NAME = 1;
    private static final int TYPE = 20;

    private final Message message;

    private Attribute(String name, int type) {
        this.message = new Message().text(NAME, name).number(TYPE, type);
    }

    public static Attribute of(String name, float value) {
        Attribute attribute = new Attribute(name, 1);
        attribute.message.real(2, value);
        return attribute;
    }

    public static Attribute of(String name, long value) {
        Attribute attribute = new Attribute(name, 2);
        attribute.message.number(3, value);
        return attribute;
    }

    public static Attribute of(String name, long[] values) {
        Attribute attribute = new Attribute(name, 7);
        for (long value : values) {
            attribute.message.number(8, value);
        }
        return attribute;
    }

    /** A graph without inputs, which captures the names that it uses. */
    static Attribute graph(String name, NodeList nodes, String... outputs) {
        Message graph = nodes.nodes().text(2, name);
        for (String output : outputs) {
            graph.message(12, new Message().text(1, output));
        }
        return graph(name, graph);
    }

    /** As above, with one float output of known dimensions; those below 0 are free. */
    static Attribute graph(String name, NodeList nodes, String output, int type, long... dims) {
        return graph(name, nodes.nodes().text(2, name).message(12, GraphParts.value(output, type, dims)));
    }

    private static Attribute graph(String name, Message graph) {
        Attribute attribute = new Attribute(name, 5);
        attribute.message.message(6, graph);
        return attribute;
    }

    Message message() {
        return message;
    }
}
