package io.kvscale.observer.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class KernelChoiceTest {
    private static final Supplier<String> ABSENT = () -> {
        throw new NoClassDefFoundError("jdk/incubator/vector/Vector");
    };

    @Test
    void theVectorKernelIsChosenIfTheCompilerOptimizes() {
        assertThat(choice(null, "mixed mode, sharing")).isEqualTo("vector");
        assertThat(choice(null, "interpreted mode")).isEqualTo("scalar");
        assertThat(choice(null, "mixed mode, emulated-client, sharing")).isEqualTo("scalar");
        assertThat(MinMaxKernel.OF_THIS_JVM).isInstanceOf(VectorMinMaxKernel.class);
    }

    @Test
    void thePropertyForcesAKernel() {
        assertThat(choice("scalar", "mixed mode")).isEqualTo("scalar");
        assertThat(choice("vector", "interpreted mode")).isEqualTo("vector");
        assertThatThrownBy(() -> choice("fast", "mixed mode"))
                .hasMessage("kvscale.kernel must be vector or scalar, got fast");
    }

    @Test
    void aVectorApiThatDoesNotLinkIsAnErrorOnlyIfForced() {
        assertThat(new KernelChoice(null, "mixed mode").choose(ABSENT, () -> "scalar"))
                .isEqualTo("scalar");
        assertThatThrownBy(() -> new KernelChoice("vector", "mixed mode").choose(ABSENT, () -> "scalar"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("--add-modules=jdk.incubator.vector");
    }

    private static String choice(@Nullable String forced, String vmInfo) {
        return new KernelChoice(forced, vmInfo).choose(() -> "vector", () -> "scalar");
    }
}
