package io.kvscale.job.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.evaluation.Attention;
import io.kvscale.job.SharedSpark;
import io.kvscale.job.model.ModelLocation;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.model.ModelManifest;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.task.FailedSamples;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import io.kvscale.text.TokenBatch;
import io.kvscale.text.TokenSequence;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.LongAdder;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.util.LongAccumulator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class EvaluationPassTest {
    private static final String FOLDER = "../conf/tiny-model";
    private static final ModelLocation HERE = () -> Path.of(FOLDER);
    private static final Attention SETTINGS = new Attention(8, 0);

    private static ModelManifest manifest;
    private static ModelShape shape;

    @BeforeAll
    static void readModel() {
        manifest = ModelManifest.of(new org.apache.hadoop.fs.Path(FOLDER), "model.onnx", new Configuration());
        shape = manifest.shape();
    }

    @Test
    void theResultDoesNotDependOnBatchesAndPartitions() {
        List<TokenSequence> samples = samples(12);
        EvaluationPass job = job(0, scales("a", 0.05f), scales("b", 0.5f));
        LongAccumulator done = SharedSpark.context().sc().longAccumulator();
        EvaluationResult whole = run(job, List.of(new TokenBatch(samples)), 1, done);
        assertThat(whole.failed()).isEqualTo(FailedSamples.NONE);
        assertThat(done.value()).isEqualTo(whole.evaluation().tokens());
        assertThat(whole.evaluation().samples()).isEqualTo(12);
        assertThat(whole.evaluation().schemes())
                .extracting(one -> one.scales().name())
                .containsExactly("a", "b");
        Random random = new Random(3);
        for (int partitions : new int[] {1, 3, 7, 20}) {
            Collections.shuffle(samples, random);
            List<TokenBatch> batches = new ArrayList<>();
            for (int from = 0; from < samples.size(); from += 3) {
                batches.add(new TokenBatch(new ArrayList<>(samples.subList(from, from + 3))));
            }
            assertThat(run(job, batches, partitions, done).evaluation().toJson())
                    .isEqualTo(whole.evaluation().toJson());
        }
    }

    @Test
    void whatTheDriverReceivesDoesNotGrowWithTheSamples() throws Exception {
        long few = received(20);
        long many = received(200);
        assertThat(few).isPositive();
        assertThat(many).isLessThan(few + few / 20);
    }

    /** The bytes of all task results of an evaluation of so many samples in 3 partitions. */
    private static long received(int count) throws Exception {
        List<TokenBatch> batches = samples(count).stream()
                .map(sample -> new TokenBatch(new ArrayList<>(List.of(sample))))
                .toList();
        SparkContext spark = SharedSpark.context().sc();
        LongAdder bytes = new LongAdder();
        SparkListener listener = new SparkListener() {
            @Override
            public void onTaskEnd(SparkListenerTaskEnd end) {
                bytes.add(end.taskMetrics().resultSize());
            }
        };
        spark.addSparkListener(listener);
        try {
            run(job(0, scales("a", 0.05f)), batches, 3, spark.longAccumulator());
            spark.listenerBus().waitUntilEmpty();
        } finally {
            spark.removeSparkListener(listener);
        }
        return bytes.sum();
    }

    @Test
    void tooManyFailedSamplesAreAnError() {
        List<TokenSequence> samples = samples(6);
        samples.add(new TokenSequence("z/bad", new int[] {1, shape.vocabulary(), 2}));
        samples.add(new TokenSequence("y/bad", new int[] {1, 2, -1}));
        List<TokenBatch> batches = samples.stream()
                .map(sample -> new TokenBatch(new ArrayList<>(List.of(sample))))
                .toList();
        LongAccumulator done = SharedSpark.context().sc().longAccumulator();
        NamedScales scales = scales("a", 0.05f);
        assertThatThrownBy(() -> run(job(1, scales), batches, 4, done))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("sample y/bad");
        EvaluationResult rest = run(job(2, scales), batches, 4, done);
        assertThat(rest.failed().count()).isEqualTo(2);
        assertThat(rest.failed().first().sample().name()).isEqualTo("y/bad");
        assertThat(rest.evaluation().toJson())
                .isEqualTo(run(job(0, scales), batches.subList(0, 6), 2, done)
                        .evaluation()
                        .toJson());
    }

    @Test
    void scalesOfAnotherModelAreRefused() {
        NamedScales deep = namedScales("out/deep", 2, 16, new Slot(7, Role.KEY));
        assertThatThrownBy(() -> EvaluationPass.checkFit(List.of(scales("right", 1), deep), shape))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll("out/deep", "layer 7 key", "3 layers");
        NamedScales wide = namedScales("out/wide", 2, 32, new Slot(1, Role.VALUE));
        assertThatThrownBy(() -> EvaluationPass.checkFit(List.of(wide), shape))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll("out/wide", "layer 1 value", "head_dim 32");
    }

    @Test
    void layersWithoutScalesAreNamedAndScalesOfOneRoleRefused() {
        List<NamedScales> all = List.of(scales("out/first", 1), scales("out/again", 1));
        EvaluationPass.checkFit(all, shape);
        assertThat(EvaluationPass.notices(all, shape))
                .containsExactly(
                        "out/first has no scales for 2 of 3 layers, which stay in full precision: 1, 2",
                        "out/again has no scales for 2 of 3 layers, which stay in full precision: 1, 2");
        Slot[] both = {new Slot(1, Role.KEY), new Slot(1, Role.VALUE), new Slot(2, Role.KEY), new Slot(2, Role.VALUE)};
        assertThat(EvaluationPass.notices(List.of(namedScales("out/last", 2, 16, 1, both)), shape))
                .containsExactly("out/last has no scales for 1 of 3 layers, which stay in full precision: 0");
        for (Role role : Role.CACHED) {
            List<NamedScales> lone = List.of(namedScales("out/lone", 2, 16, new Slot(1, role)));
            assertThatThrownBy(() -> EvaluationPass.checkFit(lone, shape))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContainingAll(
                            "out/lone",
                            "layer 1 " + (role == Role.KEY ? "value" : "key"),
                            "the layer's " + role.word());
        }
    }

    @Test
    void aLongListOfLayersWithoutScalesIsShortened() {
        ModelShape deep = new ModelShape(200, 2, 16, 512, 64, Dtype.F32);
        assertThat(EvaluationPass.notices(List.of(scales("out/first", 1)), deep))
                .containsExactly("out/first has no scales for 199 of 200 layers, which stay in full precision:"
                        + " 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...");
    }

    private static EvaluationPass job(long maxFailed, NamedScales... scales) {
        return new EvaluationPass(manifest, HERE, List.of(scales), SETTINGS, maxFailed);
    }

    private static EvaluationResult run(
            EvaluationPass job, List<TokenBatch> batches, int partitions, LongAccumulator done) {
        LongAccumulator samples = SharedSpark.context().sc().longAccumulator();
        EvaluationResult result = job.run(
                SharedSpark.context()
                        .parallelize(batches.stream().map(JavaSerde::bytes).toList(), partitions),
                done,
                samples);
        long run = result.evaluation().samples() + result.failed().count();
        assertThat(samples.value()).isEqualTo(run);
        return result;
    }

    private static NamedScales scales(String name, float scale) {
        return namedScales(name, 2, 16, scale, new Slot(0, Role.KEY), new Slot(0, Role.VALUE));
    }

    private static NamedScales namedScales(String name, int heads, int headDim, Slot slot) {
        return namedScales(name, heads, headDim, 1, slot);
    }

    private static NamedScales namedScales(String name, int heads, int headDim, float scale, Slot... slots) {
        QuantizationScheme int8 = QuantizationScheme.of(NumberFormat.INT8, Strategy.CHANNEL);
        return new NamedScales(name, JobScales.of(int8, heads, headDim, scale, slots));
    }

    private static List<TokenSequence> samples(int count) {
        Random random = new Random(7);
        List<TokenSequence> samples = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            samples.add(new TokenSequence(
                    "s/" + i, random.ints(1 + random.nextInt(40), 0, 512).toArray()));
        }
        return samples;
    }
}
