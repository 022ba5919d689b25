package io.kvscale.input;

import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.UserPrincipal;
import org.apache.hadoop.fs.FileUtil;
import org.apache.hadoop.util.ShutdownHookManager;

/**
 * A folder that is deleted by {@link #close}, or when the JVM stops. If the JVM is killed, a later one deletes it: the
 * operating system holds a lock on a file in it as long as its JVM lives. That file is created first and deleted last.
 */
public final class TemporaryFolder implements Closeable {
    private static final String LOCK = ".lock";
    /** After the hooks of Spark, which delete folders of their own below this one. */
    private static final int PRIORITY = 1;
    /** The time that a new folder has until its file is locked. */
    private static final long NEW_MILLIS = 60_000;
    /** The age of an empty folder whose process was killed before it created the file. */
    private static final long ABANDONED_MILLIS = 24 * 60 * 60 * 1000L;
    /** Process ids come again, in containers at every start. */
    private static final String JVM = ProcessHandle.current().pid() + "-"
            + ManagementFactory.getRuntimeMXBean().getStartTime() + "-";

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
        String own = prefix + JVM;
        TemporaryFolder folder = new TemporaryFolder(Files.createTempDirectory(parent, own));
        // Opening and closing a file with an own lock would release the lock.
        DirectoryStream.Filter<Path> others = other -> {
            String name = other.getFileName().toString();
            return name.startsWith(prefix) && !name.startsWith(own);
        };
        try (DirectoryStream<Path> found = Files.newDirectoryStream(parent, others)) {
            UserPrincipal user = Files.getOwner(folder.path);
            for (Path other : found) {
                deleteIfStale(other, user);
            }
        } catch (IOException | DirectoryIteratorException e) {
            // The parent may not be listed: nothing is deleted.
        }
        return folder;
    }

    private static void deleteIfStale(Path folder, UserPrincipal user) {
        Path file = folder.resolve(LOCK);
        try {
            if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                    || !Files.getOwner(folder, LinkOption.NOFOLLOW_LINKS).equals(user)) {
                return;
            }
            if (Files.notExists(file, LinkOption.NOFOLLOW_LINKS)) {
                if (isOlder(folder, ABANDONED_MILLIS)) {
                    Files.delete(folder); // fails if it is not empty: the file system may have no locks
                }
                return;
            }
            if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) || !isOlder(file, NEW_MILLIS)) {
                return;
            }
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
                    FileLock held = channel.tryLock()) {
                if (held != null) {
                    deleteContent(folder);
                }
            }
        } catch (IOException | OverlappingFileLockException e) {
            // In use, or not ours.
        }
    }

    private static boolean isOlder(Path path, long millis) throws IOException {
        return Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS).toMillis()
                < System.currentTimeMillis() - millis;
    }

    /** Deletes the folder, the file with the lock last: if the JVM is killed meanwhile, a later one deletes the rest. */
    private static void deleteContent(Path folder) {
        File[] content = folder.toFile().listFiles((parent, name) -> !name.equals(LOCK));
        boolean empty = true;
        for (File file : content == null ? new File[0] : content) {
            empty &= FileUtil.fullyDelete(file);
        }
        if (empty) {
            FileUtil.fullyDelete(folder.toFile());
        }
    }

    public Path path() {
        return path;
    }

    private void delete() {
        try (lock) {
            deleteContent(path);
        } catch (IOException e) {
            // Deleted all the same.
        }
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
