package io.kvscale.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.tensor.DataProblem;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class StateObjectsTest {
    private static byte[] bytes(Object value) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(value);
        }
        return bytes.toByteArray();
    }

    @Test
    void valuesOfTheProjectAreRead() throws IOException {
        DataProblem problem = DataProblem.of("what", "remedy");
        ArrayList<Object> all = new ArrayList<>(List.of(problem, List.of(1, 2, 3), new TreeMap<>(), "text", 5L));
        assertThat(StateObjects.read(bytes(all), ArrayList.class)).isEqualTo(all);
    }

    @Test
    void objectsOfOtherClassesAreNotCreated() throws IOException {
        // Sets within sets take years to hash.
        Set<Object> bomb = new HashSet<>(List.of(new HashSet<>(List.of("x"))));
        for (Object foreign : List.of(bomb, new HashMap<>(), new File("x"), List.of(new File("x")), Thread.State.NEW)) {
            byte[] bytes = bytes(foreign);
            assertThatThrownBy(() -> StateObjects.read(bytes, Object.class)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> TaskState.fromByteArray(bytes)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void anArrayLongerThanAllBytesIsNotAllocated() throws IOException {
        byte[] bytes = bytes(new byte[3]);
        ByteBuffer.wrap(bytes).putInt(bytes.length - 3 - Integer.BYTES, Integer.MAX_VALUE);
        assertThatThrownBy(() -> StateObjects.read(bytes, byte[].class))
                .isInstanceOf(IllegalStateException.class)
                .hasStackTraceContaining("REJECTED");
    }

    @Test
    void somethingElseIsAnError() throws IOException {
        byte[] text = bytes("text");
        assertThatThrownBy(() -> StateObjects.read(text, ArrayList.class)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> TaskState.fromByteArray(text)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> TaskState.fromByteArray(new byte[0])).isInstanceOf(IllegalStateException.class);
    }
}
