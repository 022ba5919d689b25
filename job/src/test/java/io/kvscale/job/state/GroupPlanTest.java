package io.kvscale.job.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.input.FilePiece;
import io.kvscale.input.FileVersion;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class GroupPlanTest {
    private static final Observation OBSERVATION = new Observation("range statistics", "0".repeat(64));

    private static InputFile file(String name, long length, long modified, String etag) {
        return new InputFile("file:/in/" + name, name, "in", new FileVersion(length, modified, etag));
    }

    private static FilePiece whole(InputFile file) {
        return new FilePiece(file, 0, file.length());
    }

    private static KeptGroup group(String name, FilePiece... pieces) {
        return new KeptGroup(name, 1, OBSERVATION, List.of(pieces), List.of());
    }

    private static GroupPlan plan(List<InputFile> files, KeptGroup... kept) {
        return GroupPlan.of(files, List.of(kept), 0, 4);
    }

    private static List<FilePiece> fresh(GroupPlan plan) {
        return plan.fresh().stream().flatMap(split -> split.pieces().stream()).toList();
    }

    @Test
    void groupsAreAboutOneGigabyteAndFewOfSmallFiles() {
        assertThat(plan(List.of(file("a", 10L << 30, 1, null))).fresh())
                .hasSize(10)
                .allSatisfy(split -> assertThat(split.length()).isLessThanOrEqualTo(Split.MAX_BYTES + 100_000));
        assertThat(plan(List.of(file("a", 1 << 20, 1, null))).fresh()).hasSize(1);
        assertThat(plan(List.of(file("a", 200 << 20, 1, null))).fresh()).hasSize(3);
        assertThat(plan(List.of(file("a", 1000 << 20, 1, null))).fresh()).hasSize(4);
        assertThat(GroupPlan.of(List.of(file("a", 1 << 20, 1, null)), List.of(), 7, 4)
                        .fresh())
                .hasSize(7);
        assertThat(plan(List.of()).fresh()).isEmpty();
    }

    @Test
    void whatATimeOrAnEtagTellsIsRead() {
        InputFile time = file("a", 5, 10, null);
        KeptGroup kept = group("g", whole(time));
        assertThat(plan(List.of(time), kept).reused()).hasSize(1);
        assertThat(plan(List.of(file("a", 5, 11, null)), kept).reused()).isEmpty();
        // The clock was set back.
        assertThat(plan(List.of(file("a", 5, 9, null)), kept).reused()).isEmpty();
        assertThat(plan(List.of(file("a", 6, 10, null)), kept).reused()).isEmpty();
        assertThat(plan(List.of(file("a", 5, 10, "e")), kept).reused()).isEmpty();

        KeptGroup stored = group("g", whole(file("a", 5, 10, "e")));
        assertThat(plan(List.of(file("a", 5, 11, "e")), stored).reused()).hasSize(1);
        assertThat(plan(List.of(file("a", 5, 10, "f")), stored).reused()).isEmpty();
        assertThat(plan(List.of(file("a", 5, 10, null)), stored).reused()).isEmpty();

        InputFile unknown = file("a", 5, 0, null);
        assertThat(plan(List.of(unknown), group("g", whole(unknown))).reused()).isEmpty();
    }

    @Test
    void aFileUnderAnotherNameIsAnotherSample() {
        InputFile file = file("a", 5, 10, null);
        KeptGroup kept = group("g", whole(file));
        InputFile renamed = new InputFile(file.path(), "in/a", "in", file.version());
        assertThat(plan(List.of(renamed), kept).reused()).isEmpty();
        InputFile otherRoot = new InputFile(file.path(), "a", "out", file.version());
        assertThat(plan(List.of(otherRoot), kept).reused()).isEmpty();
    }

    /** What four files show together, two pairs of them may not have shown. */
    @Test
    void filesThatWereReadApartAreNotOneGroup() {
        InputFile a = file("a", 5, 1, null);
        InputFile b = file("b", 5, 1, null);
        KeptGroup both = group("both", whole(a), whole(b));
        assertThat(plan(List.of(a, b), both).isOneGroup()).isTrue();
        GroupPlan apart = plan(List.of(a, b), group("a", whole(a)), group("b", whole(b)));
        assertThat(apart.fresh()).isEmpty();
        assertThat(apart.isOneGroup()).isFalse();
        assertThat(plan(List.of(a, b), group("a", whole(a)), both).isOneGroup()).isTrue();
        assertThat(plan(List.of(a, b), group("a", whole(a))).isOneGroup()).isFalse();
    }

    @Test
    void theRestOfAGroupWithAChangedFileIsReadAgain() {
        InputFile a = file("a", 5, 1, null);
        InputFile b = file("b", 5, 1, null);
        InputFile c = file("c", 5, 1, null);
        KeptGroup kept = group("g", whole(a), whole(b));
        GroupPlan plan = plan(List.of(a, file("b", 5, 2, null), c), kept, group("h", whole(c)));
        assertThat(plan.reused()).extracting(KeptGroup::file).containsExactly("h");
        assertThat(fresh(plan)).extracting(piece -> piece.file().name()).containsExactly("a", "b");
        assertThat(fresh(plan(List.of(a, c), kept, group("h", whole(c)))))
                .extracting(piece -> piece.file().name())
                .containsExactly("a");
    }

    /** Speculative tasks, dead runs and packing that was interrupted leave groups that overlap. */
    @Test
    void everyByteIsReadOrTakenExactlyOnce() {
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            List<InputFile> files = IntStream.range(0, 1 + random.nextInt(6))
                    .mapToObj(i -> file("f" + i, random.nextInt(4) * (1L << 29) + random.nextInt(3), 1, null))
                    .toList();
            List<KeptGroup> kept = new ArrayList<>();
            for (int i = random.nextInt(8); i > 0; i--) {
                int count = 1 + random.nextInt(5);
                Split.plan(files, count).stream()
                        .filter(split -> random.nextInt(3) > 0)
                        .map(split -> new KeptGroup("g" + kept.size(), 1, OBSERVATION, split.pieces(), List.of()))
                        .forEach(kept::add);
            }
            GroupPlan plan = GroupPlan.of(files, kept, random.nextInt(5), 4);
            List<FilePiece> all = Stream.concat(
                            plan.reused().stream().flatMap(group -> group.pieces().stream()), fresh(plan).stream())
                    .toList();
            for (InputFile file : files) {
                List<FilePiece> pieces = all.stream()
                        .filter(piece -> piece.file().equals(file))
                        .sorted((a, b) -> Long.compare(a.start(), b.start()))
                        .toList();
                long next = 0;
                assertThat(pieces).as("seed %d", seed).isNotEmpty();
                for (FilePiece piece : pieces) {
                    assertThat(piece.start()).as("seed %d", seed).isEqualTo(next);
                    next = piece.end();
                }
                assertThat(next).as("seed %d", seed).isEqualTo(file.length());
            }
        }
    }

    @Test
    void smallGroupsArePackedInTheOrderOfNames() {
        KeptGroup[] groups = IntStream.range(0, 20)
                .mapToObj(i -> group("g" + i, whole(file(String.format("f%02d", 19 - i), 100 << 20, 1, null))))
                .toArray(KeptGroup[]::new);
        List<InputFile> files =
                Stream.of(groups).map(group -> group.pieces().get(0).file()).toList();
        List<List<KeptGroup>> packs = plan(files, groups).packs();
        assertThat(packs).hasSize(2);
        assertThat(packs.get(0))
                .hasSize(10)
                .extracting(group -> group.pieces().get(0).file().name())
                .startsWith("f00", "f01", "f02");
        assertThat(GroupPlan.of(files.subList(0, 7), List.of(groups).subList(0, 7), 0, 4)
                        .packs())
                .isEmpty();
    }
}
