package io.kvscale.spark.functions;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.spark.TestSpark;
import io.kvscale.spark.sql.SqlFunction;
import io.kvscale.spark.sql.SqlFunction.Example;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.execution.HiveResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import scala.jdk.javaapi.CollectionConverters;

/** What DESCRIBE FUNCTION EXTENDED says is there, and true. */
class DocumentationTest {
    static Stream<String> names() {
        return KvFunctions.ALL.stream().map(SqlFunction::name);
    }

    static Stream<Arguments> examples() {
        return KvFunctions.ALL.stream()
                .flatMap(function -> function.examples().stream()
                        .map(example -> Arguments.of(example.sql().replace("_FUNC_", function.name()), example)));
    }

    @Test
    void allFunctionsOfTheIssueAreThere() {
        assertThat(names())
                .containsExactlyInAnyOrder(
                        "kv_stats_agg",
                        "kv_stats_union_agg",
                        "kv_stats_union",
                        "kv_stats_info",
                        "kv_scales",
                        "kv_quantize",
                        "kv_dequantize",
                        "kv_fake_quantize",
                        "kv_quantization_error");
    }

    @ParameterizedTest
    @MethodSource("names")
    void describeShowsUsageArgumentsExamplesAndSince(String name) {
        String shown = TestSpark.rows("DESCRIBE FUNCTION EXTENDED " + name).stream()
                .map(row -> row.getString(0))
                .collect(Collectors.joining("\n"));
        assertThat(shown)
                .contains("Function: " + name, "Usage: " + name + "(", "Arguments:", "Examples:", "Since: 0.1.0")
                .contains("> SELECT ")
                .doesNotContain("_FUNC_", "N/A");
    }

    @ParameterizedTest
    @MethodSource("examples")
    void everyExampleGivesWhatItPrints(String query, Example example) {
        Dataset<Row> result = TestSpark.sql(query);
        assertThat(CollectionConverters.asJava(
                        HiveResult.hiveResultString(result.queryExecution().executedPlan())))
                .isEqualTo(List.of(example.result()));
    }

    @ParameterizedTest
    @MethodSource("examples")
    void everyExampleGivesTheSameWithoutConstantsBeingFolded(String query, Example example) {
        // Folding evaluates on the driver, by reflection; this runs generated code on rows.
        String excluded = "spark.sql.optimizer.excludedRules";
        TestSpark.session()
                .conf()
                .set(
                        excluded,
                        "org.apache.spark.sql.catalyst.optimizer.ConstantFolding,"
                                + "org.apache.spark.sql.catalyst.optimizer.ConvertToLocalRelation");
        try {
            everyExampleGivesWhatItPrints(query, example);
        } finally {
            TestSpark.session().conf().unset(excluded);
        }
    }

    @Test
    void columnsAreNamedAfterTheCall() {
        assertThat(TestSpark.sql("SELECT kv_quantize(array(1.0, 2.5), 0.05, 'int8'), kv_stats_info(X'00')")
                        .columns())
                .containsExactly("kv_quantize(array(1.0, 2.5), 0.05, int8)", "kv_stats_info(X'00')");
        assertThat(Arrays.asList(
                        TestSpark.sql("SELECT kv_stats_union_agg(NULL)").columns()))
                .containsExactly("kv_stats_union_agg(NULL)");
    }
}
