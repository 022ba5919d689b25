package io.kvscale.job.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.kvscale.evaluation.Attention;
import io.kvscale.evaluation.SampleScore;
import io.kvscale.evaluation.SchemeScore;
import io.kvscale.evaluation.ScoreSums;
import io.kvscale.evaluation.SquareSums;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class EvaluationTest {
    private static final Attention SETTINGS = new Attention(1, 0);
    private static final Slot KEY = new Slot(1, Role.KEY);
    private static final Slot VALUE = new Slot(1, Role.VALUE);

    private static final List<NamedScales> TWO = List.of(scales("out/fp8"), scales("out/\"int4\""));

    @Test
    void theResultDoesNotDependOnTheOrderOfSamples() {
        Random random = new Random(5);
        List<SampleScore> scores = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            scores.add(score("s/" + i, random));
        }
        byte[] once = Evaluation.of(sums(scores), TWO, SETTINGS).toJson();
        for (int round = 0; round < 20; round++) {
            Collections.shuffle(scores, random);
            assertThat(Evaluation.of(sums(scores), TWO, SETTINGS).toJson()).isEqualTo(once);
        }
    }

    /** The state that tasks and driver hold has a few hundred bytes for each sum, however many samples there are. */
    @Test
    void aMillionScoresTakeNoMoreMemoryThanAThousandAndMergeInAnyOrder() {
        byte[] few = JavaSerde.bytes(generated(1_000, 1));
        byte[] result = null;
        for (int partitions : new int[] {1, 3, 7}) {
            ScoreSums sums = generated(1_000_000, partitions);
            assertThat(sums.samples()).isEqualTo(1_000_000);
            assertThat(JavaSerde.bytes(sums).length).isLessThan(few.length + 64);
            byte[] json = Evaluation.of(sums, TWO.subList(0, 1), SETTINGS).toJson();
            assertThat(json).isEqualTo(result == null ? json : result);
            result = json;
        }
    }

    /** The sums of scores that depend on a sample's number only, summed in so many parts, merged last part first. */
    private static ScoreSums generated(int samples, int partitions) {
        ScoreSums[] parts = new ScoreSums[partitions];
        Arrays.fill(parts, ScoreSums.NONE);
        TreeMap<Slot, SquareSums> errors = new TreeMap<>();
        for (int i = 0; i < samples; i++) {
            double number = (i * 0x9E3779B97F4A7C15L >>> 11) * 0x1p-53;
            errors.put(KEY, new SquareSums(1e6 * number, number / 1e3));
            SchemeScore scheme = new SchemeScore(99 * number, number * number, i % 20, errors);
            parts[i % partitions] = parts[i % partitions].merge(
                    ScoreSums.of(new SampleScore("s", 21, 20, 98 * number, List.of(scheme))));
        }
        ScoreSums all = ScoreSums.NONE;
        for (int i = partitions - 1; i >= 0; i--) {
            all = all.merge(parts[i]);
        }
        return all;
    }

    private static ScoreSums sums(List<SampleScore> scores) {
        return scores.stream().map(ScoreSums::of).reduce(ScoreSums.NONE, ScoreSums::merge);
    }

    @Test
    void meansAreOverTokensAndNotOverSamples() {
        SampleScore shorter = new SampleScore("a", 2, 1, 2.0, List.of(new SchemeScore(4.0, 1.0, 0, errors(100, 1))));
        SampleScore longer = new SampleScore("b", 4, 3, 1.0, List.of(new SchemeScore(2.0, 0.5, 3, errors(300, 3))));
        Evaluation evaluation = Evaluation.of(sums(List.of(longer, shorter)), TWO.subList(0, 1), SETTINGS);
        assertThat(evaluation.samples()).isEqualTo(2);
        assertThat(evaluation.tokens()).isEqualTo(6);
        assertThat(evaluation.predicted()).isEqualTo(4);
        assertThat(evaluation.perplexity()).isEqualTo(StrictMath.exp(0.75));
        SchemeQuality scheme = evaluation.schemes().get(0);
        assertThat(scheme.perplexity()).isEqualTo(StrictMath.exp(1.5));
        assertThat(scheme.kl()).isEqualTo(0.375);
        assertThat(scheme.top1()).isEqualTo(0.75);
        assertThat(scheme.sqnrDb().get(KEY)).isCloseTo(20, within(1e-12));
        assertThat(scheme.sqnrDb().get(VALUE)).isInfinite();
    }

    @Test
    void theJsonHasTheDocumentedForm() {
        SampleScore score = new SampleScore(
                "a",
                3,
                2,
                4.0,
                List.of(new SchemeScore(4.5, 0.25, 1, errors(8, 2)), new SchemeScore(1e9, 0, 2, new TreeMap<>())));
        String json =
                new String(Evaluation.of(sums(List.of(score)), TWO, SETTINGS).toJson(), StandardCharsets.UTF_8);
        assertThat(json).isEqualTo("""
            {
              "samples" : 1,
              "tokens" : 3,
              "predicted_tokens" : 2,
              "attend" : "chunks",
              "chunk" : 1,
              "residual_length" : 0,
              "baseline" : {
                "perplexity" : 7.38905609893065
              },
              "schemes" : [ {
                "scales" : "out/fp8",
                "scales_sha256" : "@@H@@",
                "verdict" : "A severe loss: perplexity rises by 28.40 %, and 50.00 % of the most likely next tokens stay the same.",
                "scheme" : {
                  "num_bits" : 8,
                  "type" : "float",
                  "strategy" : "tensor",
                  "group_size" : null,
                  "symmetric" : true,
                  "observer" : "static_minmax",
                  "observer_kwargs" : { },
                  "scale_dtype" : "float32"
                },
                "perplexity" : 9.487735836358526,
                "kl" : 0.125,
                "top1" : 0.5,
                "layers" : [ {
                  "layer" : 1,
                  "key_sqnr_db" : 6.020599913279624,
                  "value_sqnr_db" : null
                } ]
              }, {
                "scales" : "out/\\"int4\\"",
                "scales_sha256" : "@@H@@",
                "verdict" : "Hardly any loss: perplexity rises more than tenfold, and 100.00 % of the most likely next tokens stay the same.",
                "scheme" : {
                  "num_bits" : 8,
                  "type" : "float",
                  "strategy" : "tensor",
                  "group_size" : null,
                  "symmetric" : true,
                  "observer" : "static_minmax",
                  "observer_kwargs" : { },
                  "scale_dtype" : "float32"
                },
                "perplexity" : 1.7976931348623157E308,
                "kl" : 0.0,
                "top1" : 1.0,
                "layers" : [ ]
              } ]
            }
            """.replace("@@H@@", TWO.get(0).table().sha256()));
    }

    @Test
    void textsWithoutAttentionToQuantizedTokensAreRefused() {
        for (int[] one : new int[][] {{16, 0, 17, 18}, {4, 3, 5, 6}, {4, 4, 9, 10}, {4, 5, 9, 10}, {1, 2, 4, 5}}) {
            Attention settings = new Attention(one[0], one[1]);
            assertThatThrownBy(() ->
                            Evaluation.of(sums(List.of(ofTokens("a", one[2]), ofTokens("b", 2))), List.of(), settings))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContaining("long enough for --chunk (" + one[0] + ")")
                    .hasMessageContaining("use longer texts or a smaller --chunk");
            assertThat(Evaluation.of(sums(List.of(ofTokens("a", one[3]), ofTokens("b", 2))), List.of(), settings)
                            .samples())
                    .isEqualTo(2);
        }
    }

    private static SampleScore ofTokens(String name, int tokens) {
        return new SampleScore(name, tokens, tokens - 1, 1, List.of());
    }

    @Test
    void textsOfOneTokenAreRefused() {
        SampleScore lonely = new SampleScore("a", 1, 0, 0, List.of());
        assertThatThrownBy(() -> Evaluation.of(sums(List.of(lonely)), List.of(), SETTINGS))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("second token")
                .hasMessageContaining("--text");
    }

    private static NamedScales scales(String name) {
        return new NamedScales(name, JobScales.of(QuantizationScheme.fp8(), 2, 4, 0.5f, KEY, VALUE));
    }

    private static TreeMap<Slot, SquareSums> errors(double signal, double noise) {
        return new TreeMap<>(Map.of(KEY, new SquareSums(signal, noise), VALUE, new SquareSums(signal, 0)));
    }

    private static SampleScore score(String name, Random random) {
        List<SchemeScore> schemes = new ArrayList<>();
        for (int i = 0; i < TWO.size(); i++) {
            schemes.add(new SchemeScore(
                    random.nextDouble() * 100,
                    random.nextDouble(),
                    random.nextInt(20),
                    errors(random.nextDouble(), random.nextDouble())));
        }
        return new SampleScore(name, 21, 20, random.nextDouble() * 100, schemes);
    }
}
