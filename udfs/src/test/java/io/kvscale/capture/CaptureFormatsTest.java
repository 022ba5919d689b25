package io.kvscale.capture;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names, extensions and detection of formats come from one list. */
class CaptureFormatsTest {
    private static final long PARQUET = 0x31524150L;
    private static final long ARROW_FILE = 0x3157_4f52_5241L;
    private static final long ARROW_STREAM = 0xffff_ffffL;
    private static final long OLD_ARROW_STREAM = 16L << 32 | 160;

    @Test
    void wordsAndExtensionsFindTheirFormat() {
        assertThat(CaptureFormats.words()).startsWith("safetensors", "arrow", "parquet");
        for (CaptureFormat format : CaptureFormats.ALL) {
            assertThat(CaptureFormats.named(format.word().toUpperCase(Locale.ROOT)))
                    .contains(format);
            for (String extension : format.extensions()) {
                assertThat(extension).startsWith(".");
                assertThat(CaptureFormats.ofFile("folder/name" + extension)).contains(format);
                assertThat(CaptureListing.extensions((CaptureFormat) null)).contains(extension);
            }
        }
        assertThat(CaptureFormats.named("gguf")).isEmpty();
        assertThat(CaptureFormats.ofFile("parquet")).isEmpty();
    }

    @Test
    void aFolderGivesTheFilesOfEachFormat(@TempDir Path folder) throws Exception {
        for (CaptureFormat format : CaptureFormats.ALL) {
            for (String extension : format.extensions()) {
                Files.write(folder.resolve(format.word() + extension + extension), new byte[1]);
            }
        }
        for (CaptureFormat format : CaptureFormats.ALL) {
            CaptureListing listing =
                    CaptureListing.of(List.of(folder.toString()), format, new Configuration(), files -> {});
            assertThat(listing.files()).hasSameSizeAs(format.extensions());
            assertThat(listing.files())
                    .allSatisfy(file -> assertThat(file.name()).startsWith(format.word()));
            assertThat(listing.table()).isEqualTo(format.isSparkTable());
        }
    }

    @Test
    void theFirstBytesSayTheFormat() {
        assertThat(CaptureFormats.ofStart(0).word()).isEqualTo("safetensors");
        assertThat(CaptureFormats.ofStart(100_000_000).word()).isEqualTo("safetensors");
        assertThat(CaptureFormats.ofStart(ARROW_FILE).word()).isEqualTo("arrow");
        assertThat(CaptureFormats.ofStart(ARROW_STREAM).word()).isEqualTo("arrow");
        assertThat(CaptureFormats.ofStart(OLD_ARROW_STREAM).word()).isEqualTo("arrow");
        assertThat(CaptureFormats.ofStart(PARQUET).word()).isEqualTo("parquet");
        // A file that no format recognizes: the safetensors reader says what it expected.
        assertThat(CaptureFormats.ofStart(-2).word()).isEqualTo("safetensors");
    }

    @Test
    void noTwoFormatsRecognizeTheSameFile() {
        Random random = new Random(1);
        for (int i = 0; i < 100_000; i++) {
            long start = random.nextLong() >> random.nextInt(Long.SIZE);
            assertThat(CaptureFormats.ALL.stream()
                            .filter(format -> format.recognizes(start))
                            .count())
                    .as("%x", start)
                    .isLessThanOrEqualTo(1);
        }
    }
}
