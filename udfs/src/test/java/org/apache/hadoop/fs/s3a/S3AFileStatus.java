package org.apache.hadoop.fs.s3a;

import org.apache.hadoop.fs.EtagSource;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;

/** Stands for the class of hadoop-aws 3.5.0, which tests do not have. {@code .ci/s3-check} runs the real one. */
public final class S3AFileStatus extends FileStatus implements EtagSource {
    private static final long serialVersionUID = 1L;

    private final String etag;

    public S3AFileStatus(
            long length, long modified, Path path, long block, String owner, String etag, @Nullable String version) {
        super(length, false, 1, block, modified, 0, null, owner, owner, null, path);
        this.etag = etag + (version == null ? "" : version);
    }

    @Override
    public String getEtag() {
        return etag;
    }
}
