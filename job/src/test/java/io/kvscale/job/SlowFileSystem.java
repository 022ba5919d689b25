package io.kvscale.job;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;
import org.jspecify.annotations.Nullable;

/**
 * Local files under the URI scheme {@code slow}. Opening a file takes {@code slow.millis} and appends the process id to
 * the file {@code slow.log}. The first process that opens the file {@code slow.stuck} waits for ten minutes. With
 * {@code slow.full} only the lease of an output can be created.
 */
public final class SlowFileSystem extends RawLocalFileSystem {
    private static final URI NAME = URI.create("slow:///");

    @Override
    public String getScheme() {
        return "slow";
    }

    @Override
    public URI getUri() {
        return NAME;
    }

    @Override
    public FSDataInputStream open(Path path, int buffer) throws IOException {
        java.nio.file.Path log = java.nio.file.Path.of(getConf().get("slow.log"));
        boolean stuck = path.getName().equals(getConf().get("slow.stuck"))
                && !(Files.exists(log) && Files.readString(log).contains(" " + path.getName() + "\n"));
        Files.writeString(
                log,
                ProcessHandle.current().pid() + " " + path.getName() + "\n",
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
        try {
            Thread.sleep(stuck ? 600_000 : getConf().getInt("slow.millis", 0));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while being slow");
        }
        return super.open(path, buffer);
    }

    @Override
    public FSDataOutputStream create(
            Path path, boolean overwrite, int buffer, short replication, long block, @Nullable Progressable progress)
            throws IOException {
        if (getConf().getBoolean("slow.full", false) && !path.getName().equals("_lease")) {
            throw new IOException("No space left on device");
        }
        return super.create(path, overwrite, buffer, replication, block, progress);
    }
}
