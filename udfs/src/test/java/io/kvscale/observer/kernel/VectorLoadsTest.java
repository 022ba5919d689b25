package io.kvscale.observer.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;

class VectorLoadsTest {
    @Test
    @EnabledForJreRange(min = JRE.JAVA_21)
    void theJitSeesOneClassOfSegments() {
        Class<?> segment = VectorLoads.view(VectorLoads.allocate(64)).getClass();
        ByteBuffer direct = ByteBuffer.allocateDirect(256);
        assertThat(VectorLoads.isLoadable(direct)).isTrue();
        assertThat(VectorLoads.view(direct.slice(7, 100))).isInstanceOf(segment);
        assertThat(VectorLoads.isLoadable(ByteBuffer.allocate(256))).isFalse();
    }
}
