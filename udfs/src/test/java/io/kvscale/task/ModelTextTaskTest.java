package io.kvscale.task;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvscale.cache.FixedScales;
import io.kvscale.cache.TestScales;
import io.kvscale.capture.layout.LayerFilter;
import io.kvscale.model.DecoderModel;
import io.kvscale.model.Outputs;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.ScaleSet;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import io.kvscale.text.TokenBatch;
import io.kvscale.text.TokenSequence;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tasks over the tiny model, checked against values from its own framework. */
class ModelTextTaskTest {
    private static final QuantizationScheme FINE = QuantizationScheme.of(NumberFormat.INT8, Strategy.CHANNEL);

    private static DecoderModel model;
    private static JsonNode expected;
    private static double tolerance;

    private final Random random = new Random(3);

    @TempDir
    Path folder;

    @BeforeAll
    static void open() throws IOException {
        model = DecoderModel.open(Path.of("../conf/tiny-model"), "model.onnx", Outputs.CACHE);
        try (InputStream in = ModelTextTaskTest.class.getResourceAsStream("/models/tiny/expected.json")) {
            expected = new ObjectMapper().readTree(in);
        }
        tolerance = expected.at("/tolerance/relative_to_slot_absmax").asDouble();
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static List<TokenSequence> texts() {
        List<TokenSequence> texts = new ArrayList<>();
        for (JsonNode text : expected.get("texts")) {
            texts.add(sequence(text));
        }
        return texts;
    }

    private static TokenSequence sequence(JsonNode text) {
        int[] ids = new int[text.get("ids").size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = text.get("ids").get(i).asInt();
        }
        return new TokenSequence("texts/" + text.get("line"), ids);
    }

    private static TaskState run(List<TokenBatch> batches, int chunk, @Nullable FixedScales fedBack, int residual)
            throws IOException {
        return run(batches, chunk, fedBack, residual, null);
    }

    private static TaskState run(
            List<TokenBatch> batches,
            int chunk,
            @Nullable FixedScales fedBack,
            int residual,
            @Nullable CaptureSink sink)
            throws IOException {
        TextTask.Settings settings = new TextTask.Settings(
                SlotSchemes.of(FINE),
                StatisticsKind.RANGE,
                new LayerFilter(List.of(), List.of()),
                chunk,
                0,
                fedBack,
                residual);
        try (TextTask task = new TextTask(model, settings, sink, tokens -> {})) {
            for (TokenBatch batch : batches) {
                task.run(batch);
            }
            TaskState outcome = task.state();
            assertThat(outcome.problem()).isNull();
            return outcome;
        }
    }

    private static List<TokenBatch> singly() {
        return texts().stream().map(text -> new TokenBatch(List.of(text))).toList();
    }

    @Test
    void theRangesOfEachTextEqualTheReference() throws IOException {
        for (JsonNode text : expected.get("texts")) {
            TaskState outcome = run(List.of(new TokenBatch(List.of(sequence(text)))), 512, null, 0);
            for (JsonNode want : text.get("slots")) {
                SlotStatistics got = slot(outcome, want);
                assertThat(got.tokens()).isEqualTo(text.get("tokens").asLong());
                near(got.min(), want.get("min"), want);
                near(got.max(), want.get("max"), want);
                Range[] heads = got.ranges(got.geometry().headDim());
                for (int h = 0; h < heads.length; h++) {
                    near(heads[h].min(), want.get("head_min").get(h), want);
                    near(heads[h].max(), want.get("head_max").get(h), want);
                }
            }
        }
    }

    @Test
    void theRangesOfEveryChannelEqualTheReference() throws IOException {
        TaskState outcome = run(List.of(new TokenBatch(texts())), 512, null, 0);
        for (JsonNode want : expected.at("/all/slots")) {
            SlotStatistics got = slot(outcome, want);
            assertThat(got.tokens()).isEqualTo(expected.at("/all/tokens").asLong());
            Range[] channels = got.ranges(1);
            int headDim = got.geometry().headDim();
            for (int c = 0; c < channels.length; c++) {
                near(channels[c].min(), want.get("channel_min").get(c / headDim).get(c % headDim), want);
                near(channels[c].max(), want.get("channel_max").get(c / headDim).get(c % headDim), want);
            }
        }
    }

    private static SlotStatistics slot(TaskState outcome, JsonNode want) {
        Role role = want.get("role").asText().equals("K") ? Role.KEY : Role.VALUE;
        return Objects.requireNonNull(
                outcome.statistics().slots().get(new Slot(want.get("layer").asInt(), role)));
    }

    private static void near(float got, JsonNode value, JsonNode slot) {
        double most = Math.max(
                Math.abs(slot.get("min").asDouble()), Math.abs(slot.get("max").asDouble()));
        assertThat((double) got).isCloseTo(value.asDouble(), org.assertj.core.data.Offset.offset(tolerance * most));
    }

    @Test
    void theBytesDoNotDependOnTasksAndEqualThoseOfSavedCaptures() throws IOException {
        List<TokenSequence> texts = texts();
        List<TokenBatch> batches = new ArrayList<>(List.of(
                new TokenBatch(texts.subList(0, 2)),
                new TokenBatch(texts.subList(2, 3)),
                new TokenBatch(texts.subList(3, texts.size()))));
        CaptureCorpus corpus = new CaptureCorpus(folder, 1);
        byte[] expectedBytes;
        Files.createDirectories(folder);
        try (CaptureWriter writer =
                new CaptureWriter(new org.apache.hadoop.fs.Path(folder.toUri()), new Configuration())) {
            expectedBytes = run(batches, 512, null, 0, writer).statistics().toByteArray();
        }
        corpus.schemes = SlotSchemes.of(FINE);
        assertThat(corpus.whole().statistics().toByteArray()).isEqualTo(expectedBytes);
        for (int cut = 0; cut <= batches.size(); cut++) {
            Collections.shuffle(batches, random);
            CalibrationStatistics sum = new CalibrationStatistics();
            sum.merge(run(batches.subList(0, cut), 512, null, 0).statistics());
            sum.merge(run(batches.subList(cut, batches.size()), 512, null, 0).statistics());
            assertThat(sum.toByteArray()).isEqualTo(expectedBytes);
        }
    }

    @Test
    void feedbackChangesRangesSlightlyUnlessTheResidualWindowHoldsTheText() throws IOException {
        TaskState none = run(singly(), 16, null, 0);
        FixedScales scales = fine(none);
        assertThat(run(singly(), 16, scales, 1_000).statistics().toByteArray())
                .isEqualTo(none.statistics().toByteArray());
        TaskState fedBack = run(singly(), 16, scales, 0);
        assertThat(fedBack.statistics().toByteArray())
                .isNotEqualTo(none.statistics().toByteArray());
        none.statistics().slots().forEach((slot, before) -> {
            SlotStatistics after =
                    Objects.requireNonNull(fedBack.statistics().slots().get(slot));
            double most = Math.max(Math.abs(before.min()), Math.abs(before.max()));
            Range[] was = before.ranges(1);
            Range[] is = after.ranges(1);
            for (int c = 0; c < was.length; c++) {
                assertThat(Math.abs(is[c].min() - was[c].min())).isLessThan((float) (0.02 * most));
                assertThat(Math.abs(is[c].max() - was[c].max())).isLessThan((float) (0.02 * most));
            }
        });
    }

    private static FixedScales fine(TaskState outcome) {
        SortedMap<Slot, SlotScales> slots = new TreeMap<>();
        outcome.statistics().slots().forEach((slot, seen) -> {
            ScaleSet set = ScaleSet.derive(seen, FINE);
            slots.put(slot, TestScales.of(FINE, seen.geometry(), set.scales(), set.zeroPoints()));
        });
        return TestScales.table(slots);
    }

    @Test
    void anUnknownTokenIdFailsItsSample() throws IOException {
        TextTask.Settings settings = new TextTask.Settings(
                SlotSchemes.of(FINE), StatisticsKind.RANGE, new LayerFilter(List.of(), List.of()), 512, 1, null, 0);
        try (TextTask task = new TextTask(model, settings, null, tokens -> {})) {
            List<TokenSequence> rows = new ArrayList<>(texts().subList(0, 2));
            rows.add(1, new TokenSequence("odd", new int[] {1, 512}));
            task.run(new TokenBatch(rows));
            assertThat(task.state().tally().failed().count()).isEqualTo(1);
            assertThat(Objects.requireNonNull(task.state().tally().failed().first())
                            .message())
                    .contains("token id 512", "sample odd");
            assertThat(task.state().statistics().corpus().files()).isEqualTo(2);
            assertThat(task.state().problem()).isNull();
        }
    }
}
