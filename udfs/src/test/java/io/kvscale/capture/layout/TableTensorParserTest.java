package io.kvscale.capture.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.numeric.Dtype;
import io.kvscale.observer.Corpus;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TableTensorParserTest {
    private static final List<Long> SHAPE = List.of(2L, 3L, 5L, 8L);

    private static CaptureOptions options(@Nullable Layout layout, @Nullable String mask, List<String> ignore) {
        return new CaptureOptions(null, null, layout, 0, 0, mask, List.of(), ignore, false, TableColumns.DEFAULT);
    }

    private static @Nullable TableTensor tensor(KvTableRow row) {
        return new TableTensorParser(options(null, null, List.of("layers[.]7[.]"))).parse(row);
    }

    private static KvTableRow row(@Nullable Long layer, @Nullable String role, List<Long> shape, long bytes) {
        return new KvTableRow(
                "table t", "s#4", layer, role, shape, null, null, null, "bf16", bytes, false, false, false);
    }

    @ParameterizedTest
    @CsvSource({"key,KEY", "K,KEY", "Value,VALUE", "v,VALUE"})
    void aRowGivesTheTensorOfAFile(String word, Role role) {
        TableTensor tensor = Objects.requireNonNull(tensor(row(3L, word, SHAPE, 480)));
        assertThat(tensor.slot()).isEqualTo(new Slot(3, role));
        assertThat(tensor.source().geometry()).isEqualTo(new Geometry(Dtype.BF16, 3, 8));
        assertThat(tensor.source().batch()).isEqualTo(2);
        assertThat(tensor.source().tokens()).isEqualTo(5);
        assertThat(tensor.source().samples()).isEqualTo(2);
        assertThat(tensor.countedIn(Corpus.EMPTY))
                .isEqualTo(Corpus.EMPTY.withTensor(
                        "s#4", "layers.3." + (role == Role.KEY ? "keys" : "values"), "BF16", SHAPE));
    }

    @Test
    void tokensComeFirstInRankThree() {
        TableTensor tensor = Objects.requireNonNull(tensor(row(0L, "k", List.of(5L, 3L, 8L), 240)));
        assertThat(tensor.source().tokenMajor()).isTrue();
        assertThat(tensor.source().tokens()).isEqualTo(5);
    }

    @Test
    void withoutAShapeTheLengthGivesTheTokens() {
        KvTableRow row = new KvTableRow("f", "s", 0L, "k", null, 3L, 8L, 5L, "F16", 240, false, false, true);
        TableTensor tensor = Objects.requireNonNull(tensor(row));
        assertThat(tensor.shape()).containsExactly(1L, 3L, 5L, 8L);
        assertThat(tensor.source().tokens()).isEqualTo(5);
        assertThat(tensor.source().samples()).isZero();
        assertThat(tensor.source().tokenMajor()).isFalse();
    }

    @Test
    void theTokensColumnMustFitTheLength() {
        KvTableRow row = new KvTableRow("f", "s", 0L, "k", null, 3L, 8L, 6L, "F16", 240, false, false, false);
        assertThatThrownBy(() -> tensor(row))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("column 'tokens' is 6")
                .hasMessageContaining("240 bytes, which are 5 tokens of 3 heads of 8 in F16")
                .hasMessageContaining("layer 0 key, sample s");
    }

    @Test
    void rowsOfOtherLayersAreNotChecked() {
        assertThat(tensor(row(7L, null, List.of(), -1))).isNull();
    }

    @Test
    void aProblemNamesSampleSlotAndFileOfTheRow() {
        assertThatThrownBy(() -> tensor(row(2L, "v", SHAPE, 478)))
                .isInstanceOfSatisfying(InvalidDataException.class, e -> {
                    DataProblem problem = e.problem();
                    assertThat(problem.sample()).isEqualTo(new Sample("s", 4));
                    assertThat(problem.slot()).isEqualTo(new Slot(2, Role.VALUE));
                    assertThat(problem.message())
                            .startsWith("column 'data' holds 478 bytes, which do not fit shape [2, 3, 5, 8] of BF16")
                            .contains("in table t, layer 2 value, sample s#4");
                });
    }

    @Test
    void optionsThatDoNotApplyToTablesAreRefused() {
        assertThatThrownBy(() -> new TableTensorParser(options(Layout.THD2, null, List.of())))
                .isInstanceOf(InvalidOptionException.class)
                .hasMessageContaining("2THD");
        assertThatThrownBy(() -> new TableTensorParser(options(null, "mask", List.of())))
                .isInstanceOf(InvalidOptionException.class)
                .hasMessageContaining("mask");
        assertThat(new TableTensorParser(options(null, CaptureOptions.NO_MASK, List.of())))
                .isNotNull();
    }
}
