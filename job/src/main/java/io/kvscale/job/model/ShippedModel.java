package io.kvscale.job.model;

import io.kvscale.input.ReadFailure;
import io.kvscale.input.RegularFile;
import io.kvscale.input.TemporaryFolder;
import io.kvscale.job.spark.Progress;
import io.kvscale.job.spark.RetryPolicy;
import io.kvscale.job.spark.Work;
import io.kvscale.model.ModelFile;
import io.kvscale.model.ModelManifest;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FileUtil;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.ftp.FTPException;
import org.apache.spark.SparkFiles;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;

/**
 * A model's files on every executor. They are used in place if driver and executors are one process and the files are not
 * links out of their folder. Otherwise each executor copies them once and verifies their hashes.
 *
 * @param folder the source folder as a URI
 * @param access how executors read the files
 * @param retries decides which failed copies Spark tries again
 * @param configuration of the file systems
 */
public record ShippedModel(
        ModelManifest manifest,
        String folder,
        Access access,
        RetryPolicy retries,
        Broadcast<SerializableConfiguration> configuration)
        implements ModelLocation {

    /** How executors read the files. */
    enum Access {
        IN_PLACE,
        /** Local files of which some are links out of the folder ({@link ModelLinks}). ONNX Runtime refuses such links. */
        RESOLVED_LINKS,
        /** Spark's file server on the driver. */
        FROM_DRIVER,
        FROM_FILE_SYSTEM
    }

    /** The copies of this JVM, by model id. */
    private static final Map<String, Path> COPIES = new ConcurrentHashMap<>();

    /**
     * Finds a model and hashes its files. Executors copy the files when they first need them.
     *
     * @param model a folder of any Hadoop file system, or one distributed by {@code --files}
     * @param graph name of the graph file in the folder
     * @param progress shows the bytes hashed
     * @throws InvalidDataException if the folder or a file is missing or cannot be read
     */
    public static ShippedModel of(
            JavaSparkContext spark, String model, String graph, RetryPolicy retries, Progress progress) {
        Configuration hadoop = spark.hadoopConfiguration();
        org.apache.hadoop.fs.Path folder = find(model, graph, hadoop);
        ModelManifest manifest =
                progress.count(new Work.ModelFiles(), hashed -> ModelManifest.of(folder, graph, hadoop, hashed));
        Access access = access(spark, folder, manifest);
        if (access == Access.FROM_DRIVER) {
            serve(spark, manifest, local(folder));
        }
        return new ShippedModel(
                manifest, folder.toString(), access, retries, spark.broadcast(new SerializableConfiguration(hadoop)));
    }

    private static org.apache.hadoop.fs.Path find(String model, String graph, Configuration hadoop) {
        try {
            var named = new org.apache.hadoop.fs.Path(model);
            FileSystem files = named.getFileSystem(hadoop);
            org.apache.hadoop.fs.Path folder = files.makeQualified(named);
            // HTTP has no folders, but Hadoop's HTTP file system reports every name as one.
            boolean isFolder = !String.valueOf(folder.toUri().getScheme()).startsWith("http")
                    && files.exists(folder)
                    && files.getFileStatus(folder).isDirectory();
            if (isFolder && files.exists(new org.apache.hadoop.fs.Path(folder, graph))) {
                return folder;
            }
            Path distributed =
                    Path.of(SparkFiles.getRootDirectory()).resolve(model).normalize();
            if (Files.exists(distributed.resolve(graph))) {
                return new org.apache.hadoop.fs.Path(distributed.toUri());
            }
            if (!isFolder) {
                throw new InvalidDataException(DataProblem.of(
                        "the folder does not exist",
                        "point --model at a folder with " + graph + ", config.json and tokenizer.json; download and "
                                + "export a hub model first"));
            }
            return folder;
        } catch (IOException | IllegalArgumentException | UnsupportedOperationException | FTPException e) {
            throw new InvalidDataException(
                    DataProblem.of(
                            "the model cannot be read: " + ReadFailure.reason(e), "check --model and its permissions"),
                    e);
        }
    }

    private static Access access(JavaSparkContext spark, org.apache.hadoop.fs.Path folder, ModelManifest manifest) {
        try {
            if (!(folder.getFileSystem(spark.hadoopConfiguration()) instanceof LocalFileSystem)) {
                return Access.FROM_FILE_SYSTEM;
            }
            boolean links = ModelLinks.leave(local(folder), manifest);
            if (!spark.isLocal()) {
                return Access.FROM_DRIVER;
            }
            return links ? Access.RESOLVED_LINKS : Access.IN_PLACE;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path local(org.apache.hadoop.fs.Path folder) {
        return Path.of(folder.toUri().getPath());
    }

    /** Serves the files under names that contain the model's id, because Spark's file server uses base names only. */
    private static void serve(JavaSparkContext spark, ModelManifest manifest, Path folder) {
        try {
            Path links = temporary();
            for (ModelFile file : manifest.files()) {
                Path link = links.resolve(servedName(manifest, file));
                Files.createSymbolicLink(link, folder.resolve(file.name()).toAbsolutePath());
                spark.sc().addFile(link.toUri().toString());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the model cannot be served to executors", e);
        }
    }

    private static String servedName(ModelManifest manifest, ModelFile file) {
        return "kvscale-" + manifest.id().substring(0, 16) + "-" + file.name().replace('/', '_');
    }

    @Override
    public Path local() {
        return access == Access.IN_PLACE
                ? local(new org.apache.hadoop.fs.Path(folder))
                : COPIES.compute(
                        manifest.id(), (id, copy) -> copy != null && Files.isDirectory(copy) ? copy : copyAll());
    }

    private Path copyAll() {
        try {
            Path target = temporary();
            boolean whole = false;
            try {
                for (ModelFile file : manifest.files()) {
                    Path copy = target.resolve(file.name());
                    Files.createDirectories(copy.getParent());
                    copy(file, copy);
                }
                manifest.verify(target);
                whole = true;
            } finally {
                if (!whole) {
                    FileUtil.fullyDelete(target.toFile());
                }
            }
            return target;
        } catch (IOException e) {
            if (TaskContext.get() != null) {
                retries.failed(e);
            }
            throw new InvalidDataException(
                    DataProblem.of(
                            "the model cannot be copied to this machine: " + ReadFailure.reason(e),
                            "check that its files are readable from every executor, and the space in spark.local.dir"),
                    e);
        }
    }

    /** A folder in Spark's work directory, which has space for a model. It is deleted when the JVM exits. */
    private static Path temporary() throws IOException {
        return TemporaryFolder.in(Path.of(SparkFiles.getRootDirectory()), "kvscale-model")
                .path();
    }

    private void copy(ModelFile file, Path copy) throws IOException {
        if (access == Access.FROM_FILE_SYSTEM) {
            var source = new org.apache.hadoop.fs.Path(folder, file.name());
            try (var in =
                    RegularFile.open(source.getFileSystem(configuration.value().value()), source)) {
                Files.copy(in, copy);
            }
            return;
        }
        Path here = access == Access.RESOLVED_LINKS
                ? local(new org.apache.hadoop.fs.Path(folder))
                        .resolve(file.name())
                        .toRealPath()
                : Path.of(SparkFiles.get(servedName(manifest, file)));
        try {
            Files.createLink(copy, here);
        } catch (IOException | UnsupportedOperationException e) {
            Files.copy(here, copy, StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
