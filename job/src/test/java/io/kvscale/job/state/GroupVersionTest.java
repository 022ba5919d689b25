package io.kvscale.job.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.input.Split;
import io.kvscale.job.Folder;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.task.CalibrationTask;
import io.kvscale.task.TaskState;
import java.util.List;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The content of a group for files that stay the same. If it changes, states of earlier versions must not be merged with new
 * ones: raise {@link GroupFile#VERSION}, and then write the new digests here.
 */
class GroupVersionTest {
    @ParameterizedTest
    @CsvSource({
        "2, false, static_minmax, c2f6346e7dd964ca",
        "2, true, mse, 73054b58aab1c07b",
        "2, false, minmax, c6b8cb8ed149961a",
    })
    void contentChangesOnlyWithTheVersion(int version, boolean histograms, String observer, String digest) {
        StatisticsKind kind = histograms ? StatisticsKind.HISTOGRAM : StatisticsKind.RANGE;
        Recipe recipe = Recipe.parse(
                "kv_cache_scheme: {num_bits: 8, type: float, strategy: attn_head, observer: " + observer + "}", "test");
        Configuration hadoop = new Configuration();
        CaptureListing listing = CaptureListing.of(List.of(Folder.SAMPLE.toString()), hadoop);
        Split all = Split.plan(listing.files(), 1).get(0);
        TaskState state = CalibrationTask.run(
                all, recipe.schemes(), kind, recipe.capture(), hadoop, Depth.VALUES, bytes -> {}, failure -> {});
        assertThat(GroupFile.VERSION).isEqualTo(version);
        assertThat(DigestUtils.sha256Hex(state.withoutCost().toByteArray())).startsWith(digest);
    }
}
