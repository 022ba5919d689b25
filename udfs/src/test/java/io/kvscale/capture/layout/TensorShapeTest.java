package io.kvscale.capture.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.capture.layout.TensorNames.Part;
import io.kvscale.numeric.Dtype;
import io.kvscale.safetensors.TensorEntry;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TensorShapeTest {
    private static final Map<String, String> NO_METADATA = Map.of();

    static Stream<Arguments> layouts() {
        return Stream.of(
                // part, options layout, kv_heads and head_dim, shape; then batch, tokens, heads, head_dim, token-major
                shape(Part.KEY, null, 0, 0, List.of(4L, 3L, 47L, 64L), 4, 47, 3, 64, false),
                shape(Part.VALUE, null, 0, 0, List.of(47L, 3L, 64L), 1, 47, 3, 64, true),
                shape(Part.KEY, null, 3, 0, List.of(47L, 192L), 1, 47, 3, 64, true),
                shape(Part.KEY, null, 0, 64, List.of(47L, 192L), 1, 47, 3, 64, true),
                shape(Part.BOTH, null, 3, 0, List.of(2L, 64L, 192L), 1, 64, 3, 64, true),
                shape(Part.BOTH, null, 0, 64, List.of(2L, 64L, 192L), 1, 64, 3, 64, true),
                shape(Part.BOTH, null, 0, 0, List.of(2L, 64L, 3L, 64L), 1, 64, 3, 64, true),
                shape(Part.BOTH, Layout.THD2, 0, 0, List.of(2L, 64L, 3L, 64L), 1, 64, 3, 64, true),
                shape(Part.KEY, Layout.SHD, 0, 0, List.of(2L, 64L, 3L), 1, 2, 64, 3, true),
                shape(Part.KEY, Layout.BHSD, 3, 64, List.of(1L, 3L, 1L, 64L), 1, 1, 3, 64, false));
    }

    @ParameterizedTest
    @MethodSource("layouts")
    void axesComeFromRankNameAndRecipe(
            Part part,
            CaptureOptions options,
            List<Long> shape,
            int batch,
            int tokens,
            Geometry geometry,
            boolean major) {
        assertThat(TensorShape.of(entry("BF16", shape), part, 0, options, NO_METADATA))
                .isEqualTo(new TensorShape(geometry, batch, tokens, major));
    }

    @Test
    void theFilesMetadataFillsInTheRecipe() {
        Map<String, String> metadata = Map.of("kv_heads", "3", "head_dim", "64");
        List<Long> merged = List.of(5L, 192L);
        assertThat(TensorShape.of(entry("F32", merged), Part.KEY, 0, recipeOptions(null, 0, 0), metadata)
                        .geometry())
                .isEqualTo(new Geometry(Dtype.F32, 3, 64));
        assertThat(TensorShape.of(entry("F32", merged), Part.KEY, 0, recipeOptions(null, 3, 64), metadata)
                        .geometry())
                .isEqualTo(new Geometry(Dtype.F32, 3, 64));
        assertThatThrownBy(() -> TensorShape.of(entry("F32", merged), Part.KEY, 0, recipeOptions(null, 6, 0), metadata))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("the recipe says kv_heads: 6, the file's metadata says 3");
        for (String nonsense : List.of("", "0", "-3", "3.0", "three", "99999999999", "\u0663")) {
            assertThatThrownBy(() -> TensorShape.of(
                            entry("F32", merged), Part.KEY, 0, recipeOptions(null, 0, 0), Map.of("kv_heads", nonsense)))
                    .hasMessageContaining("set kv_heads");
        }
    }

    static Stream<Arguments> latents() {
        return Stream.of(
                Arguments.of(List.of(7L, 576L), new TensorShape(new Geometry(Dtype.BF16, 1, 576), 1, 7, true)),
                Arguments.of(List.of(1L, 7L, 576L), new TensorShape(new Geometry(Dtype.BF16, 1, 576), 1, 7, true)),
                Arguments.of(List.of(3L, 7L, 576L), new TensorShape(new Geometry(Dtype.BF16, 1, 576), 3, 7, true)),
                Arguments.of(List.of(7L, 1L, 576L), new TensorShape(new Geometry(Dtype.BF16, 1, 576), 1, 7, true)),
                Arguments.of(List.of(3L, 1L, 7L, 576L), new TensorShape(new Geometry(Dtype.BF16, 1, 576), 3, 7, false)),
                Arguments.of(List.of(3L, 7L, 1L, 576L), new TensorShape(new Geometry(Dtype.BF16, 1, 576), 3, 7, true)));
    }

    @ParameterizedTest
    @MethodSource("latents")
    void aLatentTensorIsReadInEveryOrderOfItsAxes(List<Long> shape, TensorShape expected) {
        assertThat(TensorShape.of(entry("BF16", shape), Part.KEY, 0, mla(), NO_METADATA))
                .isEqualTo(expected);
    }

    @Test
    void moreHeadsThanAnyModelHasAreReadOnlyIfStated() {
        List<Long> shape = List.of(1L, 129L, 400L, 64L);
        assertThatThrownBy(
                        () -> TensorShape.of(entry("BF16", shape), Part.KEY, 0, recipeOptions(null, 0, 0), NO_METADATA))
                .hasMessageContaining("gives 129 KV heads")
                .hasMessageContaining("set layout: BSHD");
        assertThat(TensorShape.of(entry("BF16", shape), Part.KEY, 0, recipeOptions(null, 129, 0), NO_METADATA)
                        .geometry()
                        .heads())
                .isEqualTo(129);
    }

    @Test
    void aLatentTensorHasOneHeadByDefault() {
        assertThat(TensorShape.of(entry("BF16", List.of(7L, 576L)), Part.KEY, 0, mla(), NO_METADATA))
                .isEqualTo(new TensorShape(new Geometry(Dtype.BF16, 1, 576), 1, 7, true));
        assertThatThrownBy(() -> TensorShape.of(
                        entry("BF16", List.of(7L, 576L)), Part.BOTH, 0, recipeOptions(null, 0, 0), NO_METADATA))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("has no axis for K and V")
                .hasMessageContaining("mla: true");
    }

    static Stream<Arguments> contradictions() {
        return Stream.of(
                bad(Part.KEY, null, 4, 0, List.of(1L, 3L, 5L, 64L), "gives 3 heads of 64, expected 4 of 64"),
                bad(Part.KEY, null, 0, 128, List.of(1L, 3L, 5L, 64L), "expected 3 of 128"),
                bad(Part.KEY, null, 3, 32, List.of(5L, 192L), "gives 3 heads of 64, expected 3 of 32"),
                bad(Part.KEY, null, 5, 0, List.of(5L, 192L), "which do not divide into 5 heads"),
                bad(Part.KEY, null, 0, 100, List.of(5L, 192L), "gives 1 heads of 192"),
                bad(Part.KEY, null, 0, 500, List.of(5L, 192L), "set kv_heads"),
                bad(Part.KEY, null, 0, 0, List.of(5L, 192L), "the number of heads is unknown"),
                bad(Part.KEY, Layout.BHSD, 0, 0, List.of(5L, 3L, 64L), "does not fit layout BHSD"),
                bad(Part.KEY, Layout.SHD, 0, 0, List.of(1L, 3L, 5L, 64L), "does not fit layout SHD"),
                bad(Part.BOTH, Layout.THD2, 0, 0, List.of(3L, 5L, 64L), "does not fit layout 2THD"),
                bad(Part.BOTH, Layout.THD2, 0, 0, List.of(2L, 5L), "does not fit layout 2THD"),
                bad(Part.BOTH, Layout.BHSD, 0, 0, List.of(2L, 1L, 4L, 8L), "holds K and V together"),
                bad(Part.BOTH, Layout.SHD, 2, 0, List.of(2L, 4L, 8L), "holds K and V together"),
                bad(Part.BOTH, null, 0, 0, List.of(5L, 3L, 64L), "does not fit layout 2THD"),
                bad(Part.KEY, null, 0, 0, List.of(), "does not fit K or V"),
                bad(Part.KEY, null, 0, 0, List.of(64L), "does not fit K or V"),
                bad(Part.KEY, null, 0, 0, List.of(1L, 1L, 1L, 1L, 1L), "does not fit K or V"),
                bad(Part.KEY, null, 0, 0, List.of(1L, 3L, 0L, 64L), "holds no values"),
                bad(Part.KEY, null, 0, 0, List.of(0L, 3L, 5L, 64L), "holds no values"),
                bad(Part.BOTH, null, 1, 0, List.of(2L, 5L, 0L), "holds no values"),
                bad(Part.KEY, null, 0, 0, List.of(1L, 1L << 20, 1L, 2L), "larger than that of any model"),
                bad(Part.KEY, null, 0, 0, List.of(1L << 40, 1L, 1L, 1L), "larger than that of any model"),
                bad(Part.KEY, null, 0, 0, List.of(1L, 1L << 62, 1L, 4L), "larger than that of any model"));
    }

    @ParameterizedTest
    @MethodSource("contradictions")
    void aShapeThatDoesNotFitIsRefused(Part part, CaptureOptions options, List<Long> shape, String expected) {
        assertThatThrownBy(() -> TensorShape.of(entry("BF16", shape), part, 0, options, NO_METADATA))
                .isInstanceOfSatisfying(InvalidDataException.class, e -> {
                    assertThat(e.problem().remedy()).isNotBlank();
                    assertThat(e.problem().tensor()).isEqualTo("t");
                })
                .hasMessageContaining(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "F8_E4M3",
                "F8_E5M2",
                "F8_E8M0",
                "F8_E4M3FNUZ",
                "F8_E5M2FNUZ",
                "F4",
                "F6_E2M3",
                "F6_E3M2",
                "I8",
                "U8"
            })
    void quantizedValuesAreRefused(String dtype) {
        assertThatThrownBy(() -> TensorShape.of(
                        entry(dtype, List.of(1L, 3L, 5L, 64L)), Part.KEY, 0, recipeOptions(null, 0, 0), NO_METADATA))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("already quantized (" + dtype + ")")
                .hasMessageContaining("before the cache quantizes them");
    }

    @ParameterizedTest
    @ValueSource(strings = {"F64", "I16", "I32", "I64", "U16", "U32", "U64", "BOOL", "C64"})
    void otherTypesAreRefusedWithTheSupportedOnes(String dtype) {
        assertThatThrownBy(() -> TensorShape.of(
                        entry(dtype, List.of(1L, 3L, 5L, 64L)), Part.KEY, 0, recipeOptions(null, 0, 0), NO_METADATA))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("dtype " + dtype + " is not one of F32, BF16, F16");
    }

    /** kv_heads is about K and V; the query heads follow from the shape, or from head_dim where axes are merged. */
    @Test
    void queriesHaveHeadsOfTheirOwn() {
        CaptureOptions options = recipeOptions(null, 2, 16);
        assertThat(TensorShape.of(entry("BF16", List.of(1L, 8L, 5L, 16L)), Part.QUERY, 0, options, NO_METADATA)
                        .geometry())
                .isEqualTo(new Geometry(Dtype.BF16, 8, 16));
        CaptureOptions together = recipeOptions(Layout.THD2, 2, 16);
        TensorShape merged =
                TensorShape.of(entry("BF16", List.of(5L, 128L)), Part.QUERY, 0, together, Map.of("kv_heads", "2"));
        assertThat(merged.geometry()).isEqualTo(new Geometry(Dtype.BF16, 8, 16));
        assertThat(merged.tokens()).isEqualTo(5);
        assertThatThrownBy(() -> TensorShape.of(
                        entry("BF16", List.of(5L, 128L)), Part.QUERY, 0, recipeOptions(null, 2, 0), NO_METADATA))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("set head_dim under kvscale");
    }

    private static TensorEntry entry(String dtype, List<Long> shape) {
        return new TensorEntry("t", dtype, shape, 0, 0);
    }

    private static CaptureOptions recipeOptions(@Nullable Layout layout, int heads, int headDim) {
        return new CaptureOptions(
                null, null, layout, heads, headDim, null, List.of(), List.of(), false, TableColumns.DEFAULT);
    }

    private static CaptureOptions mla() {
        return new CaptureOptions(null, null, null, 0, 0, null, List.of(), List.of(), true, TableColumns.DEFAULT);
    }

    private static Arguments shape(
            Part part,
            @Nullable Layout layout,
            int givenHeads,
            int givenHeadDim,
            List<Long> shape,
            int batch,
            int tokens,
            int heads,
            int headDim,
            boolean tokenMajor) {
        return Arguments.of(
                part,
                recipeOptions(layout, givenHeads, givenHeadDim),
                shape,
                batch,
                tokens,
                new Geometry(Dtype.BF16, heads, headDim),
                tokenMajor);
    }

    private static Arguments bad(
            Part part, @Nullable Layout layout, int heads, int headDim, List<Long> shape, String expected) {
        return Arguments.of(part, recipeOptions(layout, heads, headDim), shape, expected);
    }
}
