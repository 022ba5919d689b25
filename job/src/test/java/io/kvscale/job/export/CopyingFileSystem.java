package io.kvscale.job.export;

import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Options.CreateFileOptionKeys;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;
import org.jspecify.annotations.Nullable;

/**
 * Local files under the URI scheme {@code copying}, as an object store has them: a folder is moved or deleted file by
 * file. Can stop as if the process were killed between two steps.
 */
public final class CopyingFileSystem extends RawLocalFileSystem {
    private static final AtomicInteger STEPS = new AtomicInteger();

    /** A configuration that knows the scheme. */
    static Configuration configuration() {
        Configuration configuration = new Configuration();
        configuration.set("fs.copying.impl", CopyingFileSystem.class.getName());
        return configuration;
    }

    /** Whether the store says that it writes conditionally. */
    static volatile boolean conditional = true;

    @Override
    public boolean hasPathCapability(Path path, String capability) throws IOException {
        return capability.equals(CreateFileOptionKeys.FS_OPTION_CREATE_CONDITIONAL_OVERWRITE)
                ? conditional
                : super.hasPathCapability(path, capability);
    }

    /** Each change of a file after this many fails. */
    static void killAfter(int steps) {
        STEPS.set(steps);
    }

    private static void step() throws IOException {
        if (STEPS.getAndDecrement() <= 0) {
            STEPS.set(0);
            throw new IOException("killed");
        }
    }

    @Override
    public URI getUri() {
        return URI.create("copying:///");
    }

    @Override
    public String getScheme() {
        return "copying";
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
        step();
        return super.create(path, permission, overwrite, buffer, replication, block, progress);
    }

    @Override
    public FSDataOutputStream create(
            Path path, boolean overwrite, int buffer, short replication, long block, @Nullable Progressable progress)
            throws IOException {
        step();
        return super.create(path, overwrite, buffer, replication, block, progress);
    }

    @Override
    public boolean rename(Path from, Path to) throws IOException {
        move(pathToFile(from), pathToFile(to));
        delete(from, true);
        return true;
    }

    private static void move(File from, File to) throws IOException {
        if (!from.isDirectory()) {
            step();
            Files.copy(from.toPath(), to.toPath(), StandardCopyOption.REPLACE_EXISTING);
            return;
        }
        to.mkdirs();
        for (File file : files(from)) {
            move(file, new File(to, file.getName()));
        }
    }

    @Override
    public boolean delete(Path path, boolean recursive) throws IOException {
        File file = pathToFile(path);
        if (!file.exists()) {
            return false;
        }
        delete(file);
        return true;
    }

    static void delete(File file) throws IOException {
        if (file.isDirectory()) {
            for (File inside : files(file)) {
                delete(inside);
            }
        }
        step();
        Files.delete(file.toPath());
    }

    /** {@code _SUCCESS} is the first, by chance. */
    private static File[] files(File folder) throws FileNotFoundException {
        File[] files = folder.listFiles();
        if (files == null) {
            throw new FileNotFoundException(folder.toString());
        }
        Arrays.sort(files, Comparator.comparing(File::getName));
        return files;
    }
}
