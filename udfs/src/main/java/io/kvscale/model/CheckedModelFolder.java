package io.kvscale.model;

import com.google.protobuf.CodedInputStream;
import io.kvscale.model.onnx.ModelConfig;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.model.onnx.OnnxGraph;
import io.kvscale.model.onnx.OnnxReader;
import io.kvscale.model.onnx.ShapeCheck;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A model's files in a local folder, checked before ONNX Runtime sees them. */
final class CheckedModelFolder {
    /** @param bytes of the graph's file */
    record LoadedGraph(OnnxGraph graph, ModelShape shape, ByteBuffer bytes) {}

    private final Path folder;
    private final String graphName;

    CheckedModelFolder(Path folder, String graphName) {
        this.folder = folder;
        this.graphName = graphName;
    }

    /** Reads and checks the graph without its weights. */
    ModelShape check() {
        try (InputStream in = Files.newInputStream(folder.resolve(graphName))) {
            OnnxReader.checkSize(Files.size(folder.resolve(graphName)), graphName);
            return shape(OnnxReader.read(in, graphName));
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /** Reads the graph's whole file into {@code memory} and checks it. */
    LoadedGraph load(NativeBuffer memory) {
        try (FileChannel channel = FileChannel.open(folder.resolve(graphName), StandardOpenOption.READ)) {
            long size = channel.size();
            OnnxReader.checkSize(size, graphName);
            ByteBuffer bytes = memory.take(size);
            while (bytes.hasRemaining() && channel.read(bytes) >= 0) {}
            bytes.flip();
            OnnxGraph graph = OnnxReader.read(CodedInputStream.newInstance(bytes.duplicate()), graphName);
            return new LoadedGraph(graph, shape(graph), bytes);
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private ModelShape shape(OnnxGraph graph) throws IOException {
        ModelShape shape = ShapeCheck.of(graph, ModelConfig.read(folder), graphName);
        ExternalData.check(graph, graphName, ExternalData.in(folder, graphName));
        return shape;
    }

    private InvalidDataException unreadable(IOException e) {
        return e instanceof NoSuchFileException ? noGraph(graphName) : ManifestFiles.unreadable(e);
    }

    static InvalidDataException noGraph(String graphName) {
        return new InvalidDataException(DataProblem.of(
                "the model's folder has no file " + DataProblem.shown(graphName),
                "name the graph's file in the recipe (model_file), or " + ShapeCheck.REMEDY));
    }
}
