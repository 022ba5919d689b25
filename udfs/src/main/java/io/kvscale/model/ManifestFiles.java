package io.kvscale.model;

import io.kvscale.model.onnx.ModelConfig;
import io.kvscale.model.onnx.OnnxGraph;
import io.kvscale.model.onnx.OnnxReader;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Finds the files of a model in a folder of any file system, hashes them, and compares local copies. */
final class ManifestFiles {
    /** What a tokenizer and its chat template may consist of, as transformers saves them. */
    private static final List<String> BESIDE = List.of(
            "tokenizer.json",
            "tokenizer_config.json",
            "chat_template.jinja",
            "chat_template.json",
            "special_tokens_map.json",
            "generation_config.json");

    private final FileSystem files;
    private final Path folder;

    ManifestFiles(FileSystem files, Path folder) {
        this.files = files;
        this.folder = folder;
    }

    ModelManifest read(String graphName) throws IOException {
        long bytes = size(graphName);
        if (bytes < 0) {
            throw CheckedModelFolder.noGraph(graphName);
        }
        OnnxReader.checkSize(bytes, graphName);
        OnnxGraph graph;
        try (InputStream in = files.open(new Path(folder, graphName))) {
            graph = OnnxReader.read(in, graphName);
        }
        ExternalData.check(graph, graphName, this::size);
        if (size(ModelConfig.FILE) < 0) {
            throw ModelConfig.missing();
        }
        TreeSet<String> names = new TreeSet<>(graph.externalFiles());
        names.add(graphName);
        names.add(ModelConfig.FILE);
        for (String name : BESIDE) {
            if (size(name) >= 0) {
                names.add(name);
            }
        }
        List<ModelFile> found = new ArrayList<>();
        for (String name : names) {
            try (InputStream in = files.open(new Path(folder, name))) {
                found.add(new ModelFile(name, size(name), DigestUtils.sha256Hex(in)));
            }
        }
        return new ModelManifest(graphName, List.copyOf(found));
    }

    private long size(String name) throws IOException {
        try {
            FileStatus status = files.getFileStatus(new Path(folder, name));
            return status.isFile() ? status.getLen() : -1;
        } catch (FileNotFoundException e) {
            return -1;
        }
    }

    static void verify(List<ModelFile> expected, java.nio.file.Path local) throws IOException {
        for (ModelFile file : expected) {
            java.nio.file.Path copy = local.resolve(file.name());
            if (!Files.isRegularFile(copy)) {
                throw differs("is missing", file);
            }
            if (Files.size(copy) != file.bytes()) {
                throw differs("has " + Files.size(copy) + " bytes, " + file.bytes() + " expected", file);
            }
            try (InputStream in = Files.newInputStream(copy)) {
                String found = DigestUtils.sha256Hex(in);
                if (!found.equals(file.sha256())) {
                    throw differs("has the hash " + found + ", " + file.sha256() + " expected", file);
                }
            }
        }
    }

    private static InvalidDataException differs(String how, ModelFile file) {
        return new InvalidDataException(DataProblem.of(
                        "the model's file on this machine is not the one that the run began with: it " + how,
                        "leave the model's files alone while a run uses them, then run again")
                .inFile(file.name()));
    }

    static InvalidDataException unreadable(IOException e) {
        return new InvalidDataException(
                DataProblem.of("the model cannot be read: " + e.getMessage(), "see whether its files are readable"), e);
    }
}
