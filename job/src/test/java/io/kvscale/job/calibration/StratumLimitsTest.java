package io.kvscale.job.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.job.recipe.Recipe;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.numeric.Dtype;
import io.kvscale.observer.Corpus;
import io.kvscale.task.FailedSamples;
import io.kvscale.task.PhaseNanos;
import io.kvscale.task.Tally;
import io.kvscale.task.TaskState;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class StratumLimitsTest {
    /** A Llama of 8 billion parameters. */
    private static final ModelShape SHAPE = new ModelShape(32, 8, 128, 128_256, 8_192, Dtype.BF16);

    private static Recipe recipe(String more) {
        return Recipe.parse("{kv_cache_scheme: {}, kvscale: {statistics_by: domain" + more + "}}", "r");
    }

    @Test
    void strataThatNeedTooMuchMemoryAreRefusedWithTheLargestNumber() {
        assertThatCode(() -> StratumLimits.check(recipe(""), SHAPE, 204)).doesNotThrowAnyException();
        assertThatThrownBy(() -> StratumLimits.check(recipe(""), SHAPE, 1_000))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("keeps apart 1000 values of domain, which takes about 1250 MB in each task")
                .hasMessageContaining("the maximum is 256 MB, or 204 values with this model")
                .hasMessageContaining("name a field with fewer values");
        Recipe counted = recipe(", statistics: histogram");
        assertThatCode(() -> StratumLimits.check(counted, SHAPE, 41)).doesNotThrowAnyException();
        assertThatThrownBy(() -> StratumLimits.check(counted, SHAPE, 42))
                .hasMessageContaining("or 41 values")
                .hasMessageContaining("or keep no histograms");
    }

    private static TaskState failing(long samples) {
        FailedSamples failed = new FailedSamples(samples, DataProblem.of("the model failed", ""));
        return TaskState.of(Corpus.EMPTY, new Tally(0, 0, 0, 0, 0, List.of(), failed, PhaseNanos.NONE));
    }

    @Test
    void aStratumOfFailedTextsIsNamed() {
        TreeMap<String, Long> chosen = new TreeMap<>();
        assertThat(StratumLimits.missing(failing(3), chosen)).isNull();
        chosen.put("code", 3L);
        assertThat(Objects.requireNonNull(StratumLimits.missing(failing(3), chosen))
                        .message())
                .contains("there are no statistics of stratum code: the model failed on all of its 3 texts");
        assertThat(StratumLimits.missing(failing(0), chosen)).isNull();
        assertThat(StratumLimits.missing(TaskState.of(DataProblem.of("x", "y")), chosen))
                .isNull();
    }
}
