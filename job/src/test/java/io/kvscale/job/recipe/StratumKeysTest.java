package io.kvscale.job.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Keys of recipes about strata. */
class StratumKeysTest {
    private static TextSettings parse(String fields) {
        return Recipe.parse("{kv_cache_scheme: {}, kvscale: {" + fields + "}}", "r.yaml")
                .text();
    }

    @Test
    void theNumberIsThatOfAllStrataOrOfEach() {
        TextSettings all = parse("sample_by: language, samples_per_stratum: 7, statistics_by: domain");
        assertThat(all.options().fields().sampleBy()).isEqualTo("language");
        assertThat(all.options().fields().statisticsBy()).isEqualTo("domain");
        assertThat(all.perStratum()).isEqualTo(new StratumQuota(7, new TreeMap<>()));
        assertThat(all.perStratum().of("de")).isEqualTo(7);
        StratumQuota each = parse("sample_by: language, samples_per_stratum: {de: 1, 'no': 2147483647}")
                .perStratum();
        assertThat(each.each()).isEqualTo(new TreeMap<>(Map.of("de", 1, "no", Integer.MAX_VALUE)));
        assertThat(each.of("de")).isEqualTo(1);
        assertThat(each.of("en")).isZero();
        assertThat(parse("sample_by: , samples_per_stratum: , statistics_by: ")).isEqualTo(TextSettings.DEFAULT);
    }

    @Test
    void aRunWithoutStatisticsIgnoresTheirStrata() {
        TextSettings kept = parse("sample_by: a, samples_per_stratum: 1, statistics_by: b, seed: 3")
                .withoutStatistics();
        assertThat(kept).isEqualTo(parse("sample_by: a, samples_per_stratum: 1, seed: 3"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "sample_by: x | sample_by needs the number of texts | add samples_per_stratum: 100",
                "samples_per_stratum: 3 | needs the field that holds the stratum | add sample_by",
                "sample_by: x, samples_per_stratum: 3, num_calibration_samples: 4 | both say how many | remove one",
                "sample_by: '', samples_per_stratum: 3 | the name of a field is empty | remove sample_by",
                "statistics_by: '' | the name of a field is empty | remove statistics_by",
                "statistics_by: 3 | statistics_by must be text, got 3 | quotes",
                "sample_by: x, samples_per_stratum: 0 | samples_per_stratum must be a whole number from 1, or | got 0",
                "sample_by: x, samples_per_stratum: {} | names 0 values | {de: 100, en: 200}",
                "sample_by: x, samples_per_stratum: [de] | got a list | {de: 100, en: 200}",
                "sample_by: x, samples_per_stratum: {de: many} | got | {de: 100, en: 200}",
                "sample_by: x, samples_per_stratum: {de: } | got nothing | {de: 100, en: 200}",
                "sample_by: x, samples_per_stratum: {de: 3000000000} | got 3000000000 | {de: 100, en: 200}",
                "sample_by: x, samples_per_stratum: {no: 3} | must be a text that is not empty, got false | put quotes",
                "sample_by: x, samples_per_stratum: {1: 3} | must be a text that is not empty, got 1 | put quotes",
                "sample_by: x, samples_per_stratum: {'': 3} | must be a text that is not empty, got | put quotes",
                "sample_by: x, samples_per_stratum: 1, concatenate_data: true, max_seq_length: 9 | several strata | sample_by",
                "statistics_by: x, concatenate_data: true, max_seq_length: 9 | several strata | remove statistics_by"
            })
    void contradictionsAndBadNumbersAreErrors(String fields, String what, String remedy) {
        assertThatThrownBy(() -> parse(fields))
                .isInstanceOf(RecipeException.class)
                .hasMessageContaining(what)
                .hasMessageContaining(remedy);
    }

    @Test
    void moreStrataThanAreKeptApartAreAnError() {
        StringBuilder each = new StringBuilder();
        for (int i = 0; i <= 1_000; i++) {
            each.append(i == 0 ? "" : ", ").append('s').append(i).append(": 1");
        }
        assertThatThrownBy(() -> parse("sample_by: x, samples_per_stratum: {" + each + "}"))
                .isInstanceOf(RecipeException.class)
                .hasMessageContaining("names 1001 values, the least is 1 and the most 1000");
    }
}
