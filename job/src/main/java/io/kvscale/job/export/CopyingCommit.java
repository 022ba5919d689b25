package io.kvscale.job.export;

import static io.kvscale.job.export.OutputClaim.shown;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FileUtil;
import org.apache.hadoop.fs.Path;

/**
 * Puts a staging folder in place where a folder cannot be moved in one step: on object stores, whose rename copies file by
 * file. {@code _SUCCESS} is the first file of a replaced folder that goes and the last one of the new folder that comes, so
 * a folder with {@code _SUCCESS} is whole. In between the folder is empty or begins with a file that proves whose it is, so
 * that {@code --overwrite} accepts it after a kill.
 *
 * @param claim what may be replaced
 * @param lock held by this run
 */
record CopyingCommit(FileSystem fs, OutputClaim claim, Path staging, Path target, CommitLock lock) {
    /** Copies at a time: the store does the work. */
    private static final int THREADS = 8;

    /**
     * @param since why the folder exists, for the message that it may not be replaced
     * @throws OutputException also if another process interferes
     */
    void place(String since) throws IOException {
        SortedMap<String, Long> files = content(staging);
        boolean replaces = claim.replaces(fs, target, since);
        checkHeld();
        try {
            if (replaces) {
                clear();
            }
            fill(files);
            checkHeld();
            if (!content(target).equals(files)) {
                throw mixed();
            }
            fs.create(new Path(target, OutputClaim.SUCCESS), false).close();
        } catch (IOException e) {
            throw new IOException("it is incomplete and has no " + OutputClaim.SUCCESS + ": " + e.getMessage(), e);
        }
    }

    private void checkHeld() throws IOException {
        if (!lock.isHeld()) {
            throw mixed();
        }
    }

    private OutputException mixed() {
        return new OutputException("the output folder " + shown(target)
                + " holds files of several processes, which ended at the same time\n  run again with --overwrite");
    }

    private void clear() throws IOException {
        fs.delete(new Path(target, OutputClaim.SUCCESS), false);
        for (FileStatus status : fs.listStatus(target)) {
            if (!claim.isProof(status.getPath().getName())) {
                fs.delete(status.getPath(), true);
            }
        }
        fs.delete(target, true);
    }

    private void fill(SortedMap<String, Long> files) throws IOException {
        fs.mkdirs(target);
        List<Callable<Void>> moves = new ArrayList<>();
        for (String name : files.keySet()) {
            Path to = new Path(target, name);
            if (claim.isProof(name)) {
                // Stays in the staging folder too, whose other files it proves.
                FileUtil.copy(fs, new Path(staging, name), fs, to, false, false, fs.getConf());
            } else {
                if (!to.getParent().equals(target)) {
                    fs.mkdirs(to.getParent());
                }
                moves.add(() -> move(name, to));
            }
        }
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try {
            for (Future<Void> move : threads.invokeAll(moves)) {
                move.get();
            }
        } catch (ExecutionException e) {
            throw new IOException(
                    e.getCause() == null ? e.getMessage() : e.getCause().getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("it was interrupted", e);
        } finally {
            threads.shutdownNow();
        }
    }

    private Void move(String name, Path to) throws IOException {
        if (!fs.rename(new Path(staging, name), to)) {
            throw new IOException("no file can be moved to " + to);
        }
        return null;
    }

    /** The length of each file by relative path, but for the lease. */
    private SortedMap<String, Long> content(Path folder) throws IOException {
        SortedMap<String, Long> content = new TreeMap<>();
        collect(folder, "", content);
        content.remove(Lease.FILE);
        return content;
    }

    private void collect(Path folder, String prefix, SortedMap<String, Long> content) throws IOException {
        for (FileStatus status : fs.listStatus(folder)) {
            String name = prefix + status.getPath().getName();
            if (status.isDirectory()) {
                collect(status.getPath(), name + "/", content);
            } else {
                content.put(name, status.getLen());
            }
        }
    }
}
