package io.kvscale.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.model.onnx.ModelShape;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SharedModelTest {
    private static final ModelShape SHAPE = TinyModel.check(TinyModel.FOLDER, TinyModel.GRAPH);
    private static final ModelManifest TINY = named("a");

    @AfterEach
    void release() {
        DecoderModel.releaseShared();
    }

    @Test
    void aSessionIsSharedAndOutlivesItsHolders() {
        DecoderModel first = shared(TINY);
        DecoderModel second = shared(TINY);
        assertThat(second.session()).isSameAs(first.session());
        first.close();
        first.close();
        DecoderModel.releaseShared();
        assertRuns(second);
        second.close();
        try (DecoderModel third = shared(TINY)) {
            assertThat(third.session()).isSameAs(first.session());
        }
    }

    @Test
    void whatNobodyHoldsIsClosedForAnotherModelOrOnRelease() {
        DecoderModel idle = shared(TINY);
        DecoderModel held = shared(named("b"));
        idle.close();
        assertRuns(idle);
        DecoderModel third = shared(named("c"));
        assertClosed(idle);
        assertRuns(held);
        held.close();
        third.close();
        DecoderModel.releaseShared();
        assertClosed(held);
        assertClosed(third);
    }

    @Test
    void otherOutputsAreAnotherSession() {
        try (DecoderModel cache = shared(TINY);
                DecoderModel logits = DecoderModel.shared(TINY, TinyModel.FOLDER, Outputs.CACHE_AND_LOGITS)) {
            assertThat(logits.session()).isNotSameAs(cache.session());
            assertRuns(cache);
            assertRuns(logits);
        }
    }

    private static ModelManifest named(String hash) {
        return new ModelManifest(TinyModel.GRAPH, SHAPE, List.of(new ModelFile(TinyModel.GRAPH, 1, hash)));
    }

    private static DecoderModel shared(ModelManifest manifest) {
        return DecoderModel.shared(manifest, TinyModel.FOLDER, Outputs.CACHE);
    }

    private static void assertRuns(DecoderModel model) {
        try (DecoderRun run = model.newRun()) {
            run.begin(1);
            run.feed(new int[][] {{1, 2, 3}});
            assertThat(run.tokens()).isEqualTo(3);
        }
    }

    private static void assertClosed(DecoderModel model) {
        assertThatThrownBy(() -> assertRuns(model)).isInstanceOf(IllegalStateException.class);
    }
}
