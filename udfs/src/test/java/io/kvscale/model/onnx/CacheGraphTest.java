package io.kvscale.model.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.CodedInputStream;
import io.kvscale.model.TestGraph;
import io.kvscale.model.TinyModel;
import io.kvscale.model.onnx.file.OnnxGraph;
import io.kvscale.model.onnx.file.OnnxReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;

class CacheGraphTest {
    private static final List<String> NO = List.of();

    @Test
    void nodesThatOnlyOtherOutputsNeedAreDropped() throws IOException {
        byte[] inner = new TestGraph()
                .add(TestGraph.node("Identity", List.of("captured"), List.of("result")))
                .add(TestGraph.value(TestGraph.OUTPUT, "result", 1))
                .graph();
        OnnxGraph kept = kept(new TestGraph()
                .add(TestGraph.node("First", NO, List.of("captured", "unused")))
                .add(TestGraph.node("Condition", NO, List.of("condition")))
                .add(TestGraph.nodeWith(inner, "present.0.key"))
                .add(TestGraph.node("Head", List.of("captured"), List.of("head")))
                .add(TestGraph.node("Softcap", List.of("head"), List.of("logits")))
                .add(TestGraph.value(TestGraph.OUTPUT, "logits", 1))
                .add(TestGraph.value(TestGraph.OUTPUT, "hidden_states", 1))
                .add(TestGraph.value(TestGraph.OUTPUT, "present.0.key", 1))
                .model());
        assertThat(kept.nodes()).extracting(OnnxGraph.Node::operator).containsExactly("First", "Condition", "If");
        assertThat(kept.outputs()).extracting(OnnxGraph.Value::name).containsExactly("present.0.key");
    }

    @Test
    void omittedNamesConnectNoNodes() throws IOException {
        OnnxGraph kept = kept(new TestGraph()
                .add(TestGraph.node("Attention", List.of("past", ""), List.of("attended", "present.0.key")))
                .add(TestGraph.node("Norm", List.of("attended"), List.of("normed", "", "")))
                .add(TestGraph.value(TestGraph.OUTPUT, "present.0.key", 1))
                .model());
        assertThat(kept.nodes()).extracting(OnnxGraph.Node::operator).containsExactly("Attention");
    }

    @Test
    void theTinyModelLosesTheNodesAfterTheLastKeysAndValues() throws IOException {
        byte[] file = Files.readAllBytes(TinyModel.FOLDER.resolve(TinyModel.GRAPH));
        OnnxGraph whole = OnnxReader.read(CodedInputStream.newInstance(file), TinyModel.GRAPH);
        OnnxGraph kept = kept(file);
        assertThat(kept.nodes()).hasSizeLessThan(whole.nodes().size());
        assertThat(kept.outputs()).hasSize(6);
        assertThat(kept.inputs()).extracting(OnnxGraph.Value::name).contains("position_ids", "past_key_values.2.value");
        // The MLP after the last layer's K and V is gone: the activations of two layers are left.
        assertThat(count(whole, "Sigmoid")).isEqualTo(3);
        assertThat(count(kept, "Sigmoid")).isEqualTo(2);
    }

    private static long count(OnnxGraph graph, String operator) {
        return graph.nodes().stream()
                .filter(node -> node.operator().equals(operator))
                .count();
    }

    private static OnnxGraph kept(byte[] file) throws IOException {
        byte[] bytes = file.clone();
        OnnxGraph graph = OnnxReader.read(CodedInputStream.newInstance(bytes), TinyModel.GRAPH);
        CacheGraph.keepCacheOnly(graph, ByteBuffer.wrap(bytes));
        return OnnxReader.read(CodedInputStream.newInstance(bytes), TinyModel.GRAPH);
    }
}
