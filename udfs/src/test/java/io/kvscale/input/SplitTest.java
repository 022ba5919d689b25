package io.kvscale.input;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SplitTest {
    private static final long OPEN_COST = 64 << 10;

    @Test
    void piecesTileEveryFileInOrder() {
        Random random = new Random(1);
        for (int i = 0; i < 2_000; i++) {
            List<InputFile> files = files(random, 1 + random.nextInt(30));
            int count = 1 + random.nextInt(40);
            List<Split> splits = Split.plan(files, count);
            assertThat(splits.size()).isBetween(1, count);
            assertThat(splits).allSatisfy(split -> assertThat(split.pieces()).isNotEmpty());
            assertTiled(files, splits);
            assertThat(Split.plan(files, count)).isEqualTo(splits);
        }
    }

    @Test
    void noSplitCostsMoreThanAnEqualShare() {
        Random random = new Random(2);
        for (int i = 0; i < 500; i++) {
            List<InputFile> files = files(random, 1 + random.nextInt(30));
            int count = 1 + random.nextInt(20);
            long total = files.stream().mapToLong(f -> f.length() + OPEN_COST).sum();
            for (Split split : Split.plan(files, count)) {
                assertThat(split.length()).isLessThanOrEqualTo(total / count + 1);
                assertThat((split.pieces().size() - 1L) * OPEN_COST).isLessThanOrEqualTo(total / count + OPEN_COST);
            }
        }
    }

    @Test
    void emptyFilesAreKeptForTheReaderToRefuse() {
        List<InputFile> files = List.of(file("a", 0), file("b", 10), file("c", 0));
        for (int count = 1; count < 6; count++) {
            assertTiled(files, Split.plan(files, count));
        }
        assertTiled(List.of(file("a", 0)), Split.plan(List.of(file("a", 0)), 4));
        assertThat(Split.plan(List.of(), 4)).isEmpty();
    }

    @Test
    void oneLargeFileIsCutIntoEqualParts() {
        List<InputFile> one = List.of(file("a", 1L << 40));
        List<Split> splits = Split.plan(one, 1_000);
        assertThat(splits).hasSize(1_000);
        assertTiled(one, splits);
        long least = splits.stream().mapToLong(Split::length).min().orElseThrow();
        long most = splits.stream().mapToLong(Split::length).max().orElseThrow();
        assertThat(most - least).isLessThanOrEqualTo(OPEN_COST + 1);
    }

    @Test
    void aHundredThousandSmallFilesArePackedAtOnce() {
        List<InputFile> files = files(new Random(3), 100_000);
        long start = System.nanoTime();
        List<Split> splits = Split.plan(files, 512);
        assertThat(System.nanoTime() - start).isLessThan(5_000_000_000L);
        assertThat(splits).hasSize(512);
        assertTiled(files, splits);
    }

    @Test
    void splitsForEveryCoreAndOfAtMostAGigabyte() {
        assertThat(Split.count(List.of(file("a", 10)), 8)).isEqualTo(8);
        assertThat(Split.count(List.of(file("a", 10 * Split.MAX_BYTES)), 8)).isEqualTo(10);
        assertThat(Split.count(List.of(file("a", 10 * Split.MAX_BYTES + 1)), 8)).isEqualTo(11);
        assertThat(Split.count(List.of(file("a", Long.MAX_VALUE / 2)), 8)).isEqualTo(1_000_000);
    }

    @Test
    void smallFilesCountByTheirNumberToo() {
        List<InputFile> small = java.util.Collections.nCopies(1_000_000, file("a", 1_000));
        assertThat(Split.count(small, 8)).isEqualTo(62);
    }

    private static void assertTiled(List<InputFile> files, List<Split> splits) {
        List<InputFile> order = new ArrayList<>();
        long end = 0;
        for (Split split : splits) {
            for (FilePiece piece : split.pieces()) {
                if (piece.start() == 0) {
                    assertThat(order.isEmpty()
                                    || end == order.get(order.size() - 1).length())
                            .isTrue();
                    order.add(piece.file());
                } else {
                    assertThat(piece.file()).isSameAs(order.get(order.size() - 1));
                    assertThat(piece.start()).isEqualTo(end);
                }
                assertThat(piece.length() > 0 || piece.file().length() == 0).isTrue();
                end = piece.end();
            }
        }
        assertThat(order).isEqualTo(files);
        assertThat(end)
                .isEqualTo(files.isEmpty() ? 0 : files.get(files.size() - 1).length());
    }

    private static List<InputFile> files(Random random, int count) {
        List<InputFile> files = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            files.add(file("f" + i, random.nextInt(5) == 0 ? random.nextInt(3) : random.nextInt(4 << 20)));
        }
        return files;
    }

    private static InputFile file(String name, long length) {
        return new InputFile("file:/x/" + name, name, "x", length);
    }
}
