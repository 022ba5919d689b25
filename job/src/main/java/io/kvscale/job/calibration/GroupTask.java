package io.kvscale.job.calibration;

import io.kvscale.input.FilePiece;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The groups of files of one task of a run with a state.
 *
 * @param packed whether to write them to the state as one group
 */
record GroupTask(ArrayList<Group> groups, boolean packed) implements Serializable {
    /**
     * A group to read, or to take from the state.
     *
     * @param kept the name of its file in the state; null if it is to be read
     */
    record Group(ArrayList<FilePiece> pieces, @Nullable String kept) implements Serializable {}

    static GroupTask of(Group group) {
        return new GroupTask(new ArrayList<>(List.of(group)), false);
    }
}
