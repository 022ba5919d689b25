package io.kvscale.job.calibration;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.capture.CaptureListing;
import io.kvscale.input.InputFile;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.recipe.Recipe;
import java.util.Collections;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;

/** A corpus with too many batches is refused before it is read, with the limit and what to do. */
class BatchLimitTest {
    private static final long GIGABYTE = 1L << 30;

    private static void check(int files, String strategy, String observer, long maxResult) {
        Recipe recipe = Recipe.parse(
                "kv_cache_scheme: {num_bits: 8, type: float, strategy: %s, observer: %s}".formatted(strategy, observer),
                "test");
        Configuration hadoop = new Configuration();
        InputFile first =
                CaptureListing.of(List.of("../conf/sample"), hadoop).files().get(0);
        BatchLimit.check(Collections.nCopies(files, first), recipe, maxResult, hadoop);
    }

    @Test
    void statisticsThatNoArrayHoldsAreRefused() {
        assertThatThrownBy(() -> check(5_000_000, "tensor", "minmax", 0))
                .isInstanceOf(InvalidOptionException.class)
                .hasMessageContaining("5000000 files")
                .hasMessageContaining("bytes of statistics.kvstats, which holds at most 2146435071")
                .hasMessageContaining("observer: static_minmax");
    }

    @Test
    void moreThanTheDriverTakesFromTasksIsRefused() {
        assertThatThrownBy(() -> check(100_000, "tensor", "minmax", 1 << 20))
                .isInstanceOf(InvalidOptionException.class)
                .hasMessageContaining("spark.driver.maxResultSize is 1048576")
                .hasMessageContaining("--conf spark.driver.maxResultSize=2g");
    }

    @Test
    void otherCorporaAndObserversPass() {
        assertThatCode(() -> check(100_000, "tensor", "minmax", GIGABYTE)).doesNotThrowAnyException();
        assertThatCode(() -> check(5_000_000, "tensor", "static_minmax", 1)).doesNotThrowAnyException();
        assertThatCode(() -> check(5_000_000, "tensor", "mse", 1)).doesNotThrowAnyException();
    }
}
