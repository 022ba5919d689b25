package io.kvscale.input;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.apache.hadoop.fs.FileUtil;
import org.apache.hadoop.util.ShutdownHookManager;

/**
 * A folder that is deleted by {@link #close}, or when the JVM stops. If the JVM is killed, a later one deletes it: the
 * operating system holds a lock on a file in it as long as its JVM lives.
 */
public final class TemporaryFolder implements Closeable {
    private static final String LOCK = ".lock";
    /** After the hooks of Spark, which delete folders of their own below this one. */
    private static final int PRIORITY = 1;
    /** The time that a new folder has until its file is locked. */
    private static final long NEW_MILLIS = 60_000;

    private final Path path;
    private final FileChannel lock;
    private final Runnable atExit = this::delete;

    private TemporaryFolder(Path path) throws IOException {
        this.path = path;
        this.lock = FileChannel.open(path.resolve(LOCK), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try {
            lock.lock();
        } catch (IOException e) {
            // The file system has no locks. Folders without the file are kept by other JVMs.
            Files.delete(path.resolve(LOCK));
        }
        ShutdownHookManager.get().addShutdownHook(atExit, PRIORITY);
    }

    /**
     * Creates a folder below {@code parent} whose name begins with {@code prefix} and the process id. Deletes such folders
     * of the same user whose process has ended.
     */
    public static TemporaryFolder in(Path parent, String prefix) throws IOException {
        String own = prefix + ProcessHandle.current().pid() + "-";
        TemporaryFolder folder = new TemporaryFolder(Files.createTempDirectory(parent, own));
        // Opening and closing a file with an own lock would release the lock.
        DirectoryStream.Filter<Path> others = other -> {
            String name = other.getFileName().toString();
            return name.startsWith(prefix) && !name.startsWith(own);
        };
        try (DirectoryStream<Path> found = Files.newDirectoryStream(parent, others)) {
            for (Path other : found) {
                if (isStale(other, folder.path)) {
                    FileUtil.fullyDelete(other.toFile());
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // The parent may not be listed: nothing is deleted.
        }
        return folder;
    }

    private static boolean isStale(Path folder, Path own) {
        Path file = folder.resolve(LOCK);
        try {
            if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                    || !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                    || !Files.getOwner(folder, LinkOption.NOFOLLOW_LINKS).equals(Files.getOwner(own))
                    || Files.getLastModifiedTime(file).toMillis() > System.currentTimeMillis() - NEW_MILLIS) {
                return false;
            }
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
                    FileLock held = channel.tryLock()) {
                return held != null;
            }
        } catch (IOException | OverlappingFileLockException e) {
            return false;
        }
    }

    public Path path() {
        return path;
    }

    private void delete() {
        try {
            lock.close();
        } catch (IOException e) {
            // Deleted all the same.
        }
        FileUtil.fullyDelete(path.toFile());
    }

    @Override
    public void close() {
        delete();
        try {
            ShutdownHookManager.get().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            // The JVM is already stopping: the hook runs and finds nothing.
        }
    }
}
