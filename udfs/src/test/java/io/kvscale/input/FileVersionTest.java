package io.kvscale.input;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.hadoop.fs.EtagSource;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FileVersionTest {
    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "10, 5000, -, 10, 5000, -, false",
                "10, 5000, -, 11, 5000, -, true",
                "10, 5001, -, 10, 5002, -, true",
                "10, 0, -, 10, 5002, -, false",
                "10, 5001, -, 10, 0, -, false",
                // A listing in milliseconds, a status in seconds.
                "10, 5001, -, 10, 5000, -, false",
                "10, 5000, -, 10, 5999, -, false",
                "10, 5000, -, 10, 6000, -, true",
                // A copied object keeps its etag.
                "10, 5001, a, 10, 7001, a, false",
                "10, 5001, a, 10, 5001, b, true",
                "10, 5001, a, 10, 5001, -, false",
                "10, 5001, a, 10, 5002, -, true",
                "10, 5001, a, 11, 5001, a, true",
            })
    void versionsDifferInWhatBothKnow(
            long length,
            long modified,
            @Nullable String etag,
            long length2,
            long modified2,
            @Nullable String etag2,
            boolean differ) {
        FileVersion a = new FileVersion(length, modified, etag);
        FileVersion b = new FileVersion(length2, modified2, etag2);
        assertThat(a.differs(b)).isEqualTo(differ);
        assertThat(b.differs(a)).isEqualTo(differ);
    }

    @Test
    void theEtagIsTakenFromTheStatus() {
        class Tagged extends FileStatus implements EtagSource {
            private static final long serialVersionUID = 1L;

            private final String etag;

            Tagged(String etag) {
                super(3, false, 1, 1, 7, new Path("s3a://bucket/a"));
                this.etag = etag;
            }

            @Override
            public String getEtag() {
                return etag;
            }
        }
        assertThat(FileVersion.of(new Tagged("1-abc"))).isEqualTo(new FileVersion(3, 7, "1-abc"));
        assertThat(InputFile.of(new Tagged("1-abc"), "a", "r", null).remedy()).contains("nothing writes to it");
        assertThat(FileVersion.of(new Tagged(""))).isEqualTo(new FileVersion(3, 7, null));
        assertThat(InputFile.of(new Tagged(""), "a", "r", null).remedy())
                .contains("has no ETag")
                .contains("--conf spark.hadoop.fs.s3a.input.stream.type=classic");
        assertThat(FileVersion.of(new FileStatus(3, false, 1, 1, 7, new Path("hdfs://h/a"))))
                .isEqualTo(new FileVersion(3, 7, null));
    }
}
