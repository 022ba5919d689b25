package io.kvscale.job;

import java.io.IOException;
import java.net.URI;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;
import org.jspecify.annotations.Nullable;

/**
 * Local files under the URI scheme {@code hooked}. Counts opened files and runs hooks of tests. Hadoop finds this class
 * on the class path.
 */
public final class HookedFileSystem extends RawLocalFileSystem {
    private static final URI NAME = URI.create("hooked:///");

    /** Called before a file is opened. */
    interface OnOpen {
        void open(Path path) throws IOException;
    }

    static final AtomicInteger OPENED = new AtomicInteger();

    @Nullable
    static volatile OnOpen onOpen;

    /** The exception of every create; null if creates succeed. */
    @Nullable
    static volatile IOException onCreate;

    /** Replaces the listing of a folder; null for the real listing. */
    @Nullable
    static volatile Function<Path, FileStatus[]> listing;

    /** Changes the status of each listed file. */
    static volatile UnaryOperator<FileStatus> status = UnaryOperator.identity();

    static void reset() {
        OPENED.set(0);
        onOpen = null;
        onCreate = null;
        listing = null;
        status = UnaryOperator.identity();
    }

    static String of(java.nio.file.Path path) {
        return "hooked://" + path.toAbsolutePath();
    }

    @Override
    public String getScheme() {
        return "hooked";
    }

    @Override
    public URI getUri() {
        return NAME;
    }

    @Override
    public FSDataInputStream open(Path path, int buffer) throws IOException {
        OPENED.incrementAndGet();
        OnOpen hook = onOpen;
        if (hook != null) {
            hook.open(path);
        }
        return super.open(path, buffer);
    }

    @Override
    public FSDataOutputStream create(
            Path path, boolean overwrite, int buffer, short replication, long block, @Nullable Progressable progress)
            throws IOException {
        IOException failure = onCreate;
        if (failure != null) {
            throw failure;
        }
        return super.create(path, overwrite, buffer, replication, block, progress);
    }

    @Override
    public FileStatus[] listStatus(Path path) throws IOException {
        Function<Path, FileStatus[]> replaced = listing;
        FileStatus[] found = replaced == null ? super.listStatus(path) : replaced.apply(path);
        for (int i = 0; i < found.length; i++) {
            found[i] = status.apply(found[i]);
        }
        return found;
    }
}
