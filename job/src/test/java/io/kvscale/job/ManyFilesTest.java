package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.capture.CaptureListing;
import io.kvscale.input.Split;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Corpora of many small files. */
class ManyFilesTest {
    @TempDir
    private Path work;

    @AfterEach
    void resetHooks() {
        HookedFileSystem.reset();
    }

    @Test
    void aHundredThousandFilesArePlannedWithoutOpeningOne() {
        HookedFileSystem.listing = folder -> {
            boolean top = folder.getName().equals(work.getFileName().toString());
            FileStatus[] found = new FileStatus[top ? 100 : 1_000];
            for (int i = 0; i < found.length; i++) {
                found[i] = top
                        ? new FileStatus(0, true, 1, 1, 0, new org.apache.hadoop.fs.Path(folder, "folder-" + i))
                        : new FileStatus(
                                3_000, false, 1, 1, 0, new org.apache.hadoop.fs.Path(folder, i + ".safetensors"));
            }
            return found;
        };
        long start = System.nanoTime();
        CaptureListing listing = CaptureListing.of(List.of(HookedFileSystem.of(work)), new Configuration());
        List<Split> splits = Split.plan(listing.files(), Split.count(listing.files(), 16));
        assertThat(listing.files()).hasSize(100_000);
        assertThat(splits).hasSize(16);
        assertThat(splits.get(3).pieces().size()).isBetween(6_200, 6_300);
        assertThat(HookedFileSystem.opened(work)).isZero();
        // This usually takes half a second.
        assertThat((System.nanoTime() - start) / 1e9).isLessThan(20);
    }

    /** An observer that clips has the values counted in a second pass. */
    @ParameterizedTest
    @CsvSource({"static_minmax, 1", "minmax, 2"})
    void thousandsOfTinyCapturesAreEachOpenedOnceInEachPass(String observer, int passes) {
        Path input = work.resolve("in");
        byte[][] captures = new byte[10][];
        for (int i = 0; i < captures.length; i++) {
            captures[i] = Capture.of(2, 1 + i % 3, i).bytes();
        }
        long tokens = 0;
        for (int i = 0; i < 5_000; i++) {
            Capture.put(input.resolve(i % 50 + "/s" + i + ".safetensors"), captures[i % captures.length]);
            tokens += 1 + i % captures.length % 3;
        }
        Path output = work.resolve("out");
        Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.recipe(work, "num_bits: 8, type: float, strategy: attn_head, observer: " + observer),
                        "--input",
                        HookedFileSystem.of(input),
                        "--output",
                        output)
                .isDone();
        assertThat(Folder.scales(output).corpus().files()).isEqualTo(5_000);
        assertThat(Folder.scales(output).corpus().tokens()).isEqualTo(tokens);
        // A file that is cut between two splits is opened twice. The first four are looked at before, and with minmax
        // the first
        // one for the size of its ranges.
        assertThat(HookedFileSystem.opened(work)).isBetween(5_000L * passes + 4, 5_001L * passes + 5);
    }
}
