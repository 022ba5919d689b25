package io.kvscale.model;

import io.kvscale.input.ReadFailure;
import io.kvscale.input.RegularFile;
import io.kvscale.input.UnusableFileException;
import io.kvscale.model.onnx.DecoderGraph;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.function.LongConsumer;
import org.apache.commons.codec.binary.Hex;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The files of a checked model: the graph, its data files, config.json, the tokenizer and its chat template.
 *
 * @param graph the name of the graph's file
 * @param shape the decoder's geometry and limits
 * @param files sorted by name
 */
public record ModelManifest(String graph, ModelShape shape, List<ModelFile> files) implements Serializable {
    private static final int BLOCK = 1 << 20;

    /** The files of a tokenizer and its chat template, as transformers saves them; all are optional here. */
    private static final List<String> TOKENIZER = List.of(
            "tokenizer.json",
            "tokenizer_config.json",
            "chat_template.jinja",
            "chat_template.json",
            "special_tokens_map.json",
            "generation_config.json");

    /**
     * Checks a model's graph against config.json, without its weights, and hashes the model's files.
     *
     * @param path the model's folder, in any file system of Hadoop
     * @param graph the graph's file in it, such as {@code model.onnx}
     * @throws InvalidDataException if a file is missing, cut short or unreadable, if data files are outside the folder, or
     *     if graph and config.json do not fit each other
     */
    public static ModelManifest of(Path path, String graph, Configuration configuration) {
        return of(path, graph, configuration, bytes -> {});
    }

    /**
     * As {@link #of(Path, String, Configuration)}.
     *
     * @param hashed gets the number of bytes of each block that was hashed
     */
    public static ModelManifest of(Path path, String graph, Configuration configuration, LongConsumer hashed) {
        try {
            FileSystem files = path.getFileSystem(configuration);
            DecoderGraph.Folder folder = folder(files, path);
            DecoderGraph decoder = DecoderGraph.read(folder, graph);
            SortedSet<String> names = decoder.files();
            for (String name : TOKENIZER) {
                if (folder.size(name) >= 0) {
                    names.add(name);
                }
            }
            List<ModelFile> all = new ArrayList<>();
            for (String name : names) {
                try (InputStream in = folder.open(name)) {
                    all.add(new ModelFile(name, folder.size(name), hash(in, hashed)));
                }
            }
            return new ModelManifest(graph, decoder.shape(), List.copyOf(all));
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private static String hash(InputStream in, LongConsumer hashed) throws IOException {
        MessageDigest digest = DigestUtils.getSha256Digest();
        byte[] block = new byte[BLOCK];
        for (int read = in.read(block); read >= 0; read = in.read(block)) {
            digest.update(block, 0, read);
            hashed.accept(read);
        }
        return Hex.encodeHexString(digest.digest());
    }

    private static DecoderGraph.Folder folder(FileSystem files, Path path) {
        return new DecoderGraph.Folder() {
            @Override
            public long size(String name) throws IOException {
                try {
                    FileStatus status = files.getFileStatus(new Path(path, name));
                    return status.isFile() ? status.getLen() : -1;
                } catch (FileNotFoundException e) {
                    return -1;
                }
            }

            @Override
            public InputStream open(String name) throws IOException {
                try {
                    return RegularFile.open(files, new Path(path, name));
                } catch (UnusableFileException e) {
                    throw new InvalidDataException(e.problem().inFile(name), e);
                }
            }
        };
    }

    /** Identifies the model: a hash of the names and hashes of its files. */
    public String id() {
        StringBuilder text = new StringBuilder(graph).append('\n');
        files.forEach(file ->
                text.append(file.sha256()).append(' ').append(file.name()).append('\n'));
        return DigestUtils.sha256Hex(text.toString());
    }

    /** @throws InvalidDataException if a file in this local folder differs from the file that was hashed */
    public void verify(java.nio.file.Path folder) {
        try {
            for (ModelFile file : files) {
                verify(file, folder.resolve(file.name()));
            }
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private static void verify(ModelFile file, java.nio.file.Path copy) throws IOException {
        if (!Files.isRegularFile(copy)) {
            throw differs("is missing", file);
        }
        if (Files.size(copy) != file.bytes()) {
            throw differs("has " + Files.size(copy) + " bytes, expected " + file.bytes(), file);
        }
        try (InputStream in = Files.newInputStream(copy)) {
            String found = DigestUtils.sha256Hex(in);
            if (!found.equals(file.sha256())) {
                throw differs("has the SHA-256 hash " + found + ", expected " + file.sha256(), file);
            }
        }
    }

    private static InvalidDataException differs(String how, ModelFile file) {
        return new InvalidDataException(DataProblem.of(
                        "the model's file on this machine differs from the file at the start of the run: it " + how,
                        "do not change the model's files during a run, then run again")
                .inFile(file.name()));
    }

    static InvalidDataException unreadable(IOException e) {
        if (e instanceof UnusableFileException unusable) {
            return new InvalidDataException(unusable.problem(), e);
        }
        return new InvalidDataException(
                "the model cannot be read: " + ReadFailure.reason(e), "check that its files are readable", e);
    }
}
