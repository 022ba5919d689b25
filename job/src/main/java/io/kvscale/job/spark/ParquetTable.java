package io.kvscale.job.spark;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.SchemaElement;
import org.apache.parquet.format.Util;
import org.apache.parquet.format.converter.ParquetMetadataConverter;
import org.apache.parquet.schema.MessageType;
import org.apache.spark.sql.classic.Dataset;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.execution.datasources.parquet.ParquetToSparkSchemaConverter;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/**
 * Parquet files that Spark reads, once their footers are checked: a deeply nested schema overflows the stack of Spark's tasks,
 * which ends the JVM. The columns are those of the first file's own schema. Spark would take them from a text in the footer
 * that may name classes to be created.
 */
public final class ParquetTable {
    private static final int MAX_FOOTER = 64 << 20;
    private static final int MAX_DEPTH = 32;
    private static final int MAX_FIELDS = 10_000;

    /** The length of the footer, then PAR1. */
    private static final int TAIL = 8;

    private static final int MAGIC = 0x31524150;

    private ParquetTable() {}

    /**
     * Plans the read. Starts no Spark job.
     *
     * @param paths files, folders and globs, resolved by Spark
     * @throws InvalidDataException if a footer is damaged, or its schema too large
     */
    public static Dataset<?> of(SparkSession session, List<String> paths) {
        String[] given = paths.toArray(String[]::new);
        String[] files =
                TableSession.files(session.read().schema(new StructType()).parquet(given));
        if (files.length == 0) {
            return session.read().parquet(given);
        }
        Arrays.sort(files);
        Configuration conf = session.sessionState().newHadoopConf();
        FileMetaData first = footer(files[0], conf);
        Arrays.stream(files).skip(1).parallel().forEach(file -> footer(file, conf));
        StructType schema =
                new ParquetToSparkSchemaConverter(session.sessionState().conf()).convert(schema(first, files[0]));
        return session.read().schema(schema).parquet(given);
    }

    private static MessageType schema(FileMetaData footer, String file) {
        try {
            return new ParquetMetadataConverter()
                    .fromParquetMetadata(footer)
                    .getFileMetaData()
                    .getSchema();
        } catch (IOException | RuntimeException e) {
            throw bad(file, "its schema is damaged", e);
        }
    }

    private static FileMetaData footer(String uri, Configuration conf) {
        FileMetaData footer;
        try {
            footer = Util.readFileMetaData(new ByteArrayInputStream(footerBytes(new Path(new URI(uri)), conf)), true);
        } catch (IOException | URISyntaxException | RuntimeException e) {
            if (e instanceof InvalidDataException problem) {
                throw problem;
            }
            throw bad(uri, "its footer is damaged", e);
        }
        check(footer.getSchema(), uri);
        return footer;
    }

    private static byte[] footerBytes(Path file, Configuration conf) throws IOException {
        FileSystem files = file.getFileSystem(conf);
        FileStatus status = files.getFileStatus(file);
        try (FSDataInputStream in = files.open(file)) {
            long end = status.getLen() - TAIL;
            byte[] tail = new byte[TAIL];
            if (end >= 0) {
                in.readFully(end, tail);
            }
            ByteBuffer read = ByteBuffer.wrap(tail).order(ByteOrder.LITTLE_ENDIAN);
            int length = read.getInt();
            if (read.getInt() != MAGIC || length <= 0 || length > end) {
                throw bad(
                        file.toString(),
                        "it does not end as a Parquet file: it is damaged, cut short or encrypted",
                        null);
            }
            if (length > MAX_FOOTER) {
                throw bad(file.toString(), "its footer has " + length + " bytes, at most " + MAX_FOOTER, null);
            }
            byte[] footer = new byte[length];
            in.readFully(end - length, footer);
            return footer;
        }
    }

    /** The schema is a tree in preorder; the number of children of each element is given. */
    private static void check(List<SchemaElement> schema, String file) {
        if (schema.size() > MAX_FIELDS) {
            throw bad(file, "it has " + schema.size() + " columns and fields, at most " + MAX_FIELDS, null);
        }
        int[] open = new int[MAX_DEPTH + 1];
        int depth = 0;
        for (SchemaElement element : schema) {
            int children = element.isSetNum_children() ? element.getNum_children() : 0;
            if (children < 0) {
                throw bad(file, "its schema is damaged", null);
            }
            open[depth]--;
            if (children > 0) {
                if (depth == MAX_DEPTH) {
                    throw bad(file, "its schema is nested more than " + MAX_DEPTH + " deep", null);
                }
                open[++depth] = children;
            }
            while (depth > 0 && open[depth] == 0) {
                depth--;
            }
        }
    }

    private static InvalidDataException bad(String file, String what, @Nullable Throwable cause) {
        String name = new Path(file).getName();
        DataProblem problem = DataProblem.of(
                        "the Parquet file cannot be read: " + what,
                        "take an undamaged copy, or write the columns of K and V, or of the texts, into a plain file")
                .inFile(name);
        return cause == null ? new InvalidDataException(problem) : new InvalidDataException(problem, cause);
    }
}
