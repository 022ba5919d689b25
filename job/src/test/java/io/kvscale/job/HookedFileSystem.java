package io.kvscale.job;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.net.URI;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Options.CreateFileOptionKeys;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;
import org.jspecify.annotations.Nullable;

/**
 * Local files under the URI scheme {@code hooked}. Records opened files and runs hooks of tests. Hadoop finds this class
 * on the class path.
 */
public final class HookedFileSystem extends RawLocalFileSystem {
    private static final URI NAME = URI.create("hooked:///");

    /** Called before a file is opened. */
    interface OnOpen {
        void open(Path path) throws IOException;
    }

    private static final Queue<String> OPENED = new ConcurrentLinkedQueue<>();

    @Nullable
    static volatile OnOpen onOpen;

    /** The exception of every create, except of the lease of an output; null if creates succeed. */
    @Nullable
    static volatile IOException onCreate;

    /** The bytes that a file can have before the disk is full. */
    static volatile long capacity = Long.MAX_VALUE;

    /** Replaces the listing of a folder; null for the real listing. */
    @Nullable
    static volatile Function<Path, FileStatus[]> listing;

    /** Changes the status of each listed file. */
    static volatile UnaryOperator<FileStatus> status = UnaryOperator.identity();

    static void reset() {
        OPENED.clear();
        onOpen = null;
        onCreate = null;
        capacity = Long.MAX_VALUE;
        listing = null;
        status = UnaryOperator.identity();
    }

    /** How often files below a folder were opened. Tasks of earlier tests may still open others. */
    static long opened(java.nio.file.Path folder) {
        return OPENED.stream().filter(path -> path.startsWith(folder + "/")).count();
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
        OPENED.add(path.toUri().getPath());
        OnOpen hook = onOpen;
        if (hook != null) {
            hook.open(path);
        }
        return super.open(path, buffer);
    }

    /** As a store with conditional writes. */
    @Override
    public boolean hasPathCapability(Path path, String capability) throws IOException {
        return capability.equals(CreateFileOptionKeys.FS_OPTION_CREATE_CONDITIONAL_OVERWRITE)
                || super.hasPathCapability(path, capability);
    }

    @Override
    public FSDataOutputStream create(
            Path path,
            FsPermission permission,
            boolean overwrite,
            int buffer,
            short replication,
            long block,
            @Nullable Progressable progress)
            throws IOException {
        synchronized (HookedFileSystem.class) {
            return super.create(path, permission, overwrite, buffer, replication, block, progress);
        }
    }

    @Override
    public FSDataOutputStream create(
            Path path, boolean overwrite, int buffer, short replication, long block, @Nullable Progressable progress)
            throws IOException {
        IOException failure = onCreate;
        if (failure != null && !path.getName().equals("_lease")) {
            throw failure;
        }
        FSDataOutputStream out = super.create(path, overwrite, buffer, replication, block, progress);
        return capacity == Long.MAX_VALUE ? out : new FSDataOutputStream(new FullDisk(out), null);
    }

    private static FSError fullDisk() {
        try {
            Constructor<FSError> constructor = FSError.class.getDeclaredConstructor(Throwable.class);
            constructor.setAccessible(true);
            return constructor.newInstance(new IOException("No space left on device"));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Fails as the local file system of Hadoop does. */
    private static final class FullDisk extends FilterOutputStream {
        private long left = capacity;

        private FullDisk(OutputStream out) {
            super(out);
        }

        @Override
        public void write(int b) throws IOException {
            if (left-- <= 0) {
                throw fullDisk();
            }
            out.write(b);
        }
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
