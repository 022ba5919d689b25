package io.kvscale.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Graphs that compute without end, or tensors of any size. */
class EndlessGraphTest {
    private static final int F32 = 1;
    private static final int INT64 = 7;
    private static final int BOOL = 9;

    @TempDir
    private Path folder;

    @Test
    @Timeout(60)
    void aLoopWithoutEndIsEndedByTheTimeLimit() {
        byte[] body = new TestGraph()
                .add(TestGraph.value(TestGraph.INPUT, "step", INT64))
                .add(TestGraph.value(TestGraph.INPUT, "go", BOOL))
                .add(TestGraph.value(TestGraph.INPUT, "x", F32, -1, -1))
                .add(TestGraph.node("Identity", List.of("go"), List.of("go_on")))
                .add(TestGraph.node("Neg", List.of("x"), List.of("y")))
                .add(TestGraph.value(TestGraph.OUTPUT, "go_on", BOOL))
                .add(TestGraph.value(TestGraph.OUTPUT, "y", F32, -1, -1))
                .graph();
        decoder(new TestGraph()
                .add(TestGraph.numbers("trips", Long.MAX_VALUE))
                .add(TestGraph.node(
                        "Loop",
                        List.of("trips", "", "ids"),
                        List.of("result"),
                        List.of(TestGraph.graph("body", body)))));
        TimeLimit second = new TimeLimit(Duration.ofSeconds(1), Duration.ZERO);
        try (DecoderModel model = DecoderModel.open(folder, TinyModel.GRAPH, Outputs.CACHE);
                DecoderRun run = new DecoderRun(model.session(), second)) {
            for (int i = 0; i < 2; i++) {
                run.begin(1);
                assertThatThrownBy(() -> run.feed(new int[][] {{1, 2, 3}}))
                        .isInstanceOf(NativeLimitException.class)
                        .hasMessageContainingAll("gave no result for 3 tokens within", "Loop", TinyModel.GRAPH);
            }
        }
    }

    @Test
    void theLimitGrowsWithTheTokens() {
        assertThat(TimeLimit.USUAL.of(0)).isEqualTo(Duration.ofMinutes(10));
        assertThat(TimeLimit.USUAL.of(6)).isEqualTo(Duration.ofMinutes(11));
    }

    @Test
    void aTensorOfAnySizeIsNotBlamedOnTheNumberOfTasksAlone() {
        decoder(new TestGraph()
                .add(TestGraph.numbers("sizes", 1L << 40, 1))
                .add(TestGraph.numbers("all", 0))
                .add(TestGraph.node("Mul", List.of("sizes", "one"), List.of("shape")))
                .add(TestGraph.node("Cast", List.of("input_ids"), List.of("again"), "to", INT64))
                .add(TestGraph.node("Sub", List.of("again", "again"), List.of("zeros")))
                .add(TestGraph.node("ReduceMax", List.of("zeros"), List.of("zero"), "keepdims", 0))
                .add(TestGraph.numbers("one", 1, 1))
                .add(TestGraph.node("Add", List.of("shape", "zero"), List.of("computed")))
                .add(TestGraph.node("Expand", List.of("ids", "computed"), List.of("result"))));
        try (DecoderModel model = DecoderModel.open(folder, TinyModel.GRAPH, Outputs.CACHE);
                DecoderRun run = model.newRun()) {
            run.begin(1);
            assertThatThrownBy(() -> run.feed(new int[][] {{1}}))
                    .isInstanceOf(NativeLimitException.class)
                    .hasMessageContainingAll("out of memory", "Expand", "the graph computes huge tensors");
        }
    }

    /** A decoder whose K and V are the ids plus {@code result}, which the given nodes compute from {@code ids}. */
    private void decoder(TestGraph graph) {
        graph.add(TestGraph.value(TestGraph.INPUT, "input_ids", INT64, -1, -1))
                .add(TestGraph.value(TestGraph.INPUT, "attention_mask", INT64, -1, -1))
                .add(TestGraph.numbers("inner", 1, 3))
                .add(TestGraph.node("Cast", List.of("input_ids"), List.of("ids"), "to", F32))
                .add(TestGraph.node("Add", List.of("ids", "result"), List.of("sum")))
                .add(TestGraph.node("Unsqueeze", List.of("sum", "inner"), List.of("new")));
        for (String role : List.of("key", "value")) {
            String past = "past_key_values.0." + role;
            String present = "present.0." + role;
            graph.add(TestGraph.value(TestGraph.INPUT, past, F32, -1, 1, -1, 1))
                    .add(TestGraph.node("Concat", List.of(past, "new"), List.of(present), "axis", 2))
                    .add(TestGraph.value(TestGraph.OUTPUT, present, F32, -1, 1, -1, 1));
        }
        graph.write(folder, TestGraph.config(1, 1, 1));
    }
}
