package io.kvscale.job.model;

import io.kvscale.input.TemporaryFolder;
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
import org.apache.spark.SparkFiles;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;

/**
 * A model's files wherever a task runs: used in place where driver and executors are one process and the files lie in
 * their folder; otherwise copied once to every executor, from the driver or from the file system that holds them, and
 * verified by hash.
 *
 * @param place the folder, as a URI
 * @param way how executors get at it
 * @param configuration of the file systems
 */
public record ShippedModel(
        ModelManifest manifest, String place, Way way, Broadcast<SerializableConfiguration> configuration)
        implements ModelLocation {

    /** How executors get at the files. */
    enum Way {
        IN_PLACE,
        /** The files are links, as in caches of downloaded models, out of the folder: ONNX Runtime refuses those. */
        LINKED,
        FROM_DRIVER,
        FROM_FILE_SYSTEM
    }

    /** Of this JVM, by model. */
    private static final Map<String, Path> COPIES = new ConcurrentHashMap<>();

    /**
     * Finds a model and makes it known to executors; copies nothing yet, but what Spark's own file server wants.
     *
     * @param model a folder of any file system that Hadoop knows, or one among the files that {@code --files} brought
     * @param graph the graph's file in it
     * @throws InvalidDataException if a file is missing
     */
    public static ShippedModel of(JavaSparkContext spark, String model, String graph) {
        Configuration hadoop = spark.hadoopConfiguration();
        org.apache.hadoop.fs.Path folder = found(model, graph, hadoop);
        ModelManifest manifest = ModelManifest.of(folder, graph, hadoop);
        Way way = way(spark, folder, manifest);
        if (way == Way.FROM_DRIVER) {
            serve(spark, manifest, local(folder));
        }
        return new ShippedModel(
                manifest, folder.toString(), way, spark.broadcast(new SerializableConfiguration(hadoop)));
    }

    private static org.apache.hadoop.fs.Path found(String model, String graph, Configuration hadoop) {
        try {
            var named = new org.apache.hadoop.fs.Path(model);
            FileSystem files = named.getFileSystem(hadoop);
            org.apache.hadoop.fs.Path folder = files.makeQualified(named);
            // Over HTTP there are no folders, though Hadoop takes any name for one.
            boolean isFolder = !String.valueOf(folder.toUri().getScheme()).startsWith("http")
                    && files.exists(folder)
                    && files.getFileStatus(folder).isDirectory();
            if (isFolder && files.exists(new org.apache.hadoop.fs.Path(folder, graph))) {
                return folder;
            }
            Path brought = Path.of(SparkFiles.getRootDirectory()).resolve(model).normalize();
            if (Files.exists(brought.resolve(graph))) {
                return new org.apache.hadoop.fs.Path(brought.toUri());
            }
            if (!isFolder) {
                throw new InvalidDataException(DataProblem.of(
                        "there is no such folder",
                        "name with --model the folder that holds " + graph + ", config.json and tokenizer.json; a "
                                + "model of a hub is downloaded and exported before"));
            }
            return folder;
        } catch (IOException | IllegalArgumentException | UnsupportedOperationException e) {
            throw new InvalidDataException(
                    DataProblem.of(
                            "the model cannot be read: " + DataProblem.shown(String.valueOf(e.getMessage())),
                            "check --model and its permissions"),
                    e);
        }
    }

    private static Way way(JavaSparkContext spark, org.apache.hadoop.fs.Path folder, ModelManifest manifest) {
        try {
            if (!(folder.getFileSystem(spark.hadoopConfiguration()) instanceof LocalFileSystem)) {
                return Way.FROM_FILE_SYSTEM;
            } else if (!spark.isLocal()) {
                return Way.FROM_DRIVER;
            }
            Path real = local(folder).toRealPath();
            for (ModelFile file : manifest.files()) {
                if (!real.resolve(file.name()).toRealPath().startsWith(real)) {
                    return Way.LINKED;
                }
            }
            return Way.IN_PLACE;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path local(org.apache.hadoop.fs.Path folder) {
        return Path.of(folder.toUri().getPath());
    }

    /** Under names of the model's own: Spark's file server knows files by their last name only. */
    private static void serve(JavaSparkContext spark, ModelManifest manifest, Path folder) {
        try {
            Path links = temporary();
            for (ModelFile file : manifest.files()) {
                Path link = links.resolve(served(manifest, file));
                Files.createSymbolicLink(link, folder.resolve(file.name()).toAbsolutePath());
                spark.sc().addFile(link.toUri().toString());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the model cannot be served to executors", e);
        }
    }

    private static String served(ModelManifest manifest, ModelFile file) {
        return "kvscale-" + manifest.id().substring(0, 16) + "-" + file.name().replace('/', '_');
    }

    @Override
    public Path local() {
        return way == Way.IN_PLACE
                ? local(new org.apache.hadoop.fs.Path(place))
                : COPIES.compute(
                        manifest.id(), (id, copy) -> copy != null && Files.isDirectory(copy) ? copy : copied());
    }

    private Path copied() {
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
            throw new UncheckedIOException("the model cannot be copied to this executor: " + e, e);
        }
    }

    /** A folder that goes when the JVM does, where Spark keeps files of this application: that may be large. */
    private static Path temporary() throws IOException {
        return TemporaryFolder.in(Path.of(SparkFiles.getRootDirectory()), "kvscale-model")
                .path();
    }

    private void copy(ModelFile file, Path copy) throws IOException {
        var folder = new org.apache.hadoop.fs.Path(place);
        if (way == Way.FROM_FILE_SYSTEM) {
            var source = new org.apache.hadoop.fs.Path(folder, file.name());
            try (var in = source.getFileSystem(configuration.value().value()).open(source)) {
                Files.copy(in, copy);
            }
            return;
        }
        Path here = way == Way.LINKED
                ? local(folder).resolve(file.name()).toRealPath()
                : Path.of(SparkFiles.get(served(manifest, file)));
        try {
            Files.createLink(copy, here);
        } catch (IOException | UnsupportedOperationException e) {
            Files.copy(here, copy, StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
