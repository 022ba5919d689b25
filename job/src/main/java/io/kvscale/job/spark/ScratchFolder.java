package io.kvscale.job.spark;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.input.TemporaryFolder;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.spark.SparkConf;
import org.jspecify.annotations.Nullable;

/**
 * The folder of all temporary files of an embedded Spark. It goes when the JVM stops, or at the next run if the JVM was
 * killed. Spark alone would leave its folders behind then.
 */
final class ScratchFolder {
    private static final String TEMPORARY = "java.io.tmpdir";

    private static @Nullable TemporaryFolder folder;

    private ScratchFolder() {}

    /**
     * Lets Spark write into the folder, unless the user named other folders.
     *
     * @throws InvalidOptionException if the folder cannot be created
     */
    static synchronized void use(SparkConf conf) {
        if (folder == null) {
            String parent = System.getProperty(TEMPORARY);
            try {
                folder = TemporaryFolder.in(Path.of(parent), "kvscale-spark-");
            } catch (IOException e) {
                throw new InvalidOptionException(
                        "no temporary folder can be created in " + parent,
                        "free space there, or name another folder with KVSCALE_JAVA_OPTS=-Djava.io.tmpdir=DIR");
            }
            // Spark creates some folders below this property, whatever spark.local.dir says.
            System.setProperty(TEMPORARY, folder.path().toString());
        }
        if (conf.get("spark.master").startsWith("local")) {
            // Spark's catalog creates this folder, by default in the working directory; nothing is kept in it.
            conf.setIfMissing(
                    "spark.sql.warehouse.dir",
                    folder.path().resolve("warehouse").toUri().toString());
        }
    }
}
