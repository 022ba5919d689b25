package io.kvscale.job.corpus.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.job.corpus.plan.PlannedSequence.Piece;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.text.Strata;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the choice of samples and their grouping into sequences and batches. */
class BatchPlanTest {
    private static TextSettings settings(String fields) {
        return Recipe.parse("{kv_cache_scheme: {}, kvscale: {" + fields + "}}", "r")
                .text();
    }

    private static TextSample sample(String name, long hash, int length) {
        return new TextSample(name, new ContentHash(hash, 0, 0, 0), length);
    }

    /** Random samples, some with equal content. */
    private static List<TextSample> samples(Random random) {
        List<TextSample> samples = new ArrayList<>();
        for (int i = 0; i < 1 + random.nextInt(200); i++) {
            int length = 1 + random.nextInt(random.nextInt(8) == 0 ? 3_000 : 100);
            TextSample next = random.nextInt(10) == 0 && i > 0
                    ? new TextSample(
                            "t/" + (i + 1),
                            samples.get(i - 1).hash(),
                            samples.get(i - 1).length())
                    : sample("t/" + (i + 1), random.nextLong(), length);
            samples.add(next);
        }
        return samples;
    }

    private static List<String> names(BatchPlan plan) {
        return plan.batches().stream()
                .flatMap(List::stream)
                .map(PlannedSequence::name)
                .toList();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "num_calibration_samples: 50",
                "num_calibration_samples: 50, shuffle: false",
                "long_texts: windows",
                "max_seq_length: 64, long_texts: windows, num_calibration_samples: 20",
                "max_seq_length: 100, concatenate_data: true",
                "max_seq_length: 700, concatenate_data: true, shuffle: false, num_calibration_samples: 3",
                "max_seq_length: 100, concatenate_data: true, num_calibration_samples: 30",
                "chunk_tokens: 16"
            })
    void aPlanObservesTheLimitsAndDoesNotDependOnTheOrderOfSamples(String fields) {
        TextSettings settings = settings(fields);
        for (int seed = 0; seed < 100; seed++) {
            Random random = new Random(seed);
            List<TextSample> samples = samples(random);
            int limit = settings.maxSeqLength() > 0 ? settings.maxSeqLength() : random.nextBoolean() ? 0 : 512;
            BatchPlan plan = BatchPlan.of(samples, settings, limit);
            Collections.shuffle(samples, random);
            assertThat(BatchPlan.of(samples, settings, limit)).isEqualTo(plan);
            check(plan, samples, settings, limit);
        }
    }

    private static void check(BatchPlan plan, List<TextSample> samples, TextSettings settings, int limit) {
        boolean truncated = !settings.windows() && !settings.concatenate() && limit > 0;
        Map<TextSample, BitSet> taken = new HashMap<>();
        Set<String> names = new HashSet<>();
        for (List<PlannedSequence> batch : plan.batches()) {
            int longest = batch.stream().mapToInt(PlannedSequence::length).max().orElseThrow();
            assertThat(batch.size()).isBetween(1, 32);
            assertThat(batch.size() == 1 || batch.size() * longest <= 512 && longest <= settings.chunkTokens())
                    .isTrue();
            for (PlannedSequence sequence : batch) {
                assertThat(names.add(sequence.name())).isTrue();
                assertThat(sequence.length()).isPositive();
                assertThat(limit == 0 || sequence.length() <= limit).isTrue();
                for (Piece piece : sequence.pieces()) {
                    BitSet tokens = taken.computeIfAbsent(piece.sample(), s -> new BitSet());
                    assertThat(piece.to()).isGreaterThan(piece.from());
                    assertThat(tokens.get(piece.from(), piece.to()).isEmpty()).isTrue();
                    tokens.set(piece.from(), piece.to());
                }
            }
        }
        if (settings.concatenate() && settings.samples() > 0) {
            int allTokens = samples.stream().mapToInt(TextSample::length).sum();
            int maxTokens = Math.min(settings.samples() * limit, allTokens);
            assertThat(plan.tokens()).isEqualTo(maxTokens);
            assertThat(plan.sequences()).isEqualTo((maxTokens + limit - 1) / limit);
            assertThat(plan.samples()).isEqualTo(taken.size());
            return;
        }
        taken.forEach((sample, tokens) -> {
            int all = truncated ? Math.min(limit, sample.length()) : sample.length();
            assertThat(tokens.cardinality()).isEqualTo(all);
            assertThat(tokens.length()).isEqualTo(all);
        });
        int expected = settings.samples() == 0 ? samples.size() : Math.min(samples.size(), settings.samples());
        assertThat(taken).hasSize(expected);
        assertThat(plan.samples()).isEqualTo(expected);
        assertThat(plan.cut())
                .isEqualTo(taken.keySet().stream()
                        .filter(s -> truncated && s.length() > limit)
                        .count());
        assertThat(plan.tokens())
                .isEqualTo(
                        taken.values().stream().mapToLong(BitSet::cardinality).sum());
        assertThat(plan.sequences()).isEqualTo(names.size());
    }

    @Test
    void samplesAreChosenByUnsignedHashOrByNameWithNumericLines() {
        List<TextSample> samples = List.of(
                sample("t/2", -1, 5), sample("t/10", 1, 6), sample("t/9", 7, 7), sample("s", Long.MIN_VALUE, 8));
        assertThat(names(BatchPlan.of(samples, settings("num_calibration_samples: 2"), 0)))
                .containsExactly("t/10", "t/9");
        assertThat(names(BatchPlan.of(samples, settings("num_calibration_samples: 3, shuffle: false"), 0)))
                .containsExactly("t/2", "t/9", "s");
    }

    @Test
    void samplesWithEqualHashAreChosenByName() {
        List<TextSample> samples = List.of(sample("t/10", 1, 5), sample("t/9", 1, 5), sample("t/11", 1, 5));
        assertThat(names(BatchPlan.of(samples, settings("num_calibration_samples: 2"), 0)))
                .containsExactly("t/9", "t/10");
    }

    private static List<TextSample> stratified(Random random) {
        return samples(random).stream()
                .map(sample -> new TextSample(
                        sample.name(),
                        sample.hash(),
                        sample.length(),
                        new Strata(List.of("a", "b", "c").get(random.nextInt(3)), "d" + random.nextInt(2))))
                .collect(Collectors.toCollection(ArrayList::new));
    }

    @ParameterizedTest
    @ValueSource(strings = {"20", "{a: 5, c: 30}", "{b: 1}"})
    void theFirstSamplesOfEachStratumAreChosen(String quota) {
        String stratified = "sample_by: language, samples_per_stratum: " + quota;
        for (int seed = 0; seed < 50; seed++) {
            Random random = new Random(seed);
            List<TextSample> samples = stratified(random);
            for (String order : List.of("", ", shuffle: false", ", long_texts: windows, max_seq_length: 64")) {
                TextSettings settings = settings(stratified + order);
                int limit = settings.maxSeqLength();
                BatchPlan plan = BatchPlan.of(samples, settings, limit);
                Collections.shuffle(samples, random);
                assertThat(BatchPlan.of(samples, settings, limit)).isEqualTo(plan);
                Set<String> expected = new HashSet<>();
                for (String stratum : List.of("a", "b", "c")) {
                    int count = settings.perStratum().of(stratum);
                    List<TextSample> its = samples.stream()
                            .filter(sample -> sample.strata().sample().equals(stratum))
                            .toList();
                    TextSettings alone = settings("num_calibration_samples: " + Math.max(1, count) + order);
                    if (count > 0 && !its.isEmpty()) {
                        BatchPlan of = BatchPlan.of(its, alone, limit);
                        expected.addAll(names(of));
                        assertThat(plan.sampled()).containsEntry(stratum, (long) of.samples());
                    }
                }
                assertThat(names(plan)).containsExactlyInAnyOrderElementsOf(expected);
                assertThat(plan.sampled().values().stream().mapToLong(n -> n).sum())
                        .isEqualTo(plan.observed().values().stream()
                                .mapToLong(n -> n)
                                .sum())
                        .isEqualTo(plan.samples());
            }
        }
    }

    @Test
    void windowsAndPackedSequencesAreNumbered() {
        List<TextSample> samples = List.of(sample("b", 2, 5), sample("a", 1, 10));
        BatchPlan windows = BatchPlan.of(samples, settings("long_texts: windows"), 4);
        assertThat(names(windows)).containsExactly("b/w2", "a/w3", "a/w1", "a/w2", "b/w1");
        BatchPlan packed = BatchPlan.of(samples, settings("max_seq_length: 6, concatenate_data: true"), 6);
        assertThat(names(packed)).containsExactly("packed/000003", "packed/000001", "packed/000002");
        assertThat(packed.batches().get(0).get(2).pieces())
                .containsExactly(new Piece(samples.get(1), 6, 10), new Piece(samples.get(0), 0, 2));
    }

    @Test
    void concatenatedTextsCountAsSequencesInHashOrNameOrder() {
        List<TextSample> samples = List.of(sample("c", 1, 5), sample("b", 2, 5), sample("a", 3, 5));
        String joined = "max_seq_length: 4, concatenate_data: true, num_calibration_samples: 2";
        assertThat(BatchPlan.of(samples, settings(joined), 4).batches().get(0))
                .extracting(PlannedSequence::pieces)
                .containsExactly(
                        List.of(new Piece(samples.get(0), 0, 4)),
                        List.of(new Piece(samples.get(0), 4, 5), new Piece(samples.get(1), 0, 3)));
        BatchPlan inOrder = BatchPlan.of(samples, settings(joined + ", shuffle: false"), 4);
        assertThat(inOrder.samples()).isEqualTo(2);
        assertThat(inOrder.batches().stream()
                        .flatMap(List::stream)
                        .filter(s -> s.name().equals("packed/000001")))
                .singleElement()
                .extracting(PlannedSequence::pieces)
                .isEqualTo(List.of(new Piece(samples.get(2), 0, 4)));
    }

    @Test
    void aSequenceLongerThanTheChunkIsTheOnlyOneOfItsBatch() {
        List<TextSample> samples = List.of(
                sample("a", 1, 16), sample("b", 2, 16), sample("c", 3, 17), sample("d", 4, 17), sample("e", 5, 600));
        assertThat(BatchPlan.of(samples, settings("chunk_tokens: 16"), 0).batches())
                .extracting(List::size)
                .containsExactly(2, 1, 1, 1);
        assertThat(BatchPlan.of(samples, settings(""), 0).batches())
                .extracting(List::size)
                .containsExactly(4, 1);
    }

    @Test
    void batchesAreFilledUpToTheLimitsOfTokensAndRows() {
        List<TextSample> samples = new ArrayList<>();
        for (int i = 0; i < 70; i++) {
            samples.add(sample("s" + i, i, i < 40 ? 16 : 32));
        }
        assertThat(BatchPlan.of(samples, settings(""), 0).batches())
                .extracting(List::size)
                .containsExactly(32, 16, 16, 6);
    }

    @Test
    void sequencesWithEqualNamesAreRejected() {
        List<TextSample> samples = List.of(sample("a", 1, 10), sample("a/w1", 2, 3));
        assertThatThrownBy(() -> BatchPlan.of(samples, settings("long_texts: windows"), 4))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("'a/w1'")
                .hasMessageContaining("rename");
        assertThat(names(BatchPlan.of(samples, settings(""), 4))).hasSize(2);
    }

    @Test
    void partitionsHaveSimilarNumbersOfTokens() {
        for (int seed = 0; seed < 50; seed++) {
            Random random = new Random(seed);
            BatchPlan plan = BatchPlan.of(samples(random), settings(""), 512);
            int partitions = 1 + random.nextInt(8);
            int[] spread = plan.partitionsOfBatches(partitions);
            long[] load = new long[partitions];
            for (int i = 0; i < spread.length; i++) {
                load[spread[i]] += plan.batches().get(i).stream()
                        .mapToLong(PlannedSequence::length)
                        .sum();
            }
            assertThat(Arrays.stream(load).max().orElseThrow()
                            - Arrays.stream(load).min().orElseThrow())
                    .isLessThanOrEqualTo(512);
        }
    }

    @Test
    void rowsOfATableWithEqualContentAreNamedInTheOrderOfTheirStrata() {
        List<TextSample> rows = new ArrayList<>();
        for (Strata strata : List.of(new Strata("a", "y"), new Strata("b", "x"), new Strata("a", "x"))) {
            rows.add(new TextSample("", new ContentHash(0xabcL, 0, 0, 0), 5, strata));
        }
        List<TextSample> named = TextSample.withNames(rows);
        assertThat(named)
                .extracting(TextSample::strata)
                .containsExactly(new Strata("a", "x"), new Strata("a", "y"), new Strata("b", "x"));
        Collections.reverse(rows);
        assertThat(TextSample.withNames(rows)).isEqualTo(named);
    }

    @Test
    void rowsOfATableAreNamedByTheirHash() {
        List<TextSample> rows = new ArrayList<>(
                List.of(sample("", 0xabcL, 5), sample("", 0xabcL, 4), sample("", 0xabcL, 5), sample("", 0x1L, 9)));
        List<TextSample> named = TextSample.withNames(rows);
        assertThat(named)
                .extracting(TextSample::name)
                .containsExactly("0000000000000001", "0000000000000abc", "0000000000000abc-2", "0000000000000abc-3");
        assertThat(named).extracting(TextSample::length).containsExactly(9, 4, 5, 5);
        Collections.reverse(rows);
        assertThat(TextSample.withNames(rows)).isEqualTo(named);
    }
}
