package io.kvscale.model;

import com.google.protobuf.CodedInputStream;
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
final class ModelFolder {
    /** @param bytes of the graph's file */
    record LoadedGraph(OnnxGraph graph, ModelShape shape, ByteBuffer bytes) {}

    private final Path folder;
    private final String graphName;

    ModelFolder(Path folder, String graphName) {
        this.folder = folder;
        this.graphName = graphName;
    }

    /** Reads and checks the graph without its weights. */
    ModelShape check() {
        try (InputStream in = Files.newInputStream(folder.resolve(graphName))) {
            return shape(OnnxReader.read(in, graphName));
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /** Reads the graph's whole file into {@code memory} and checks it. */
    LoadedGraph load(NativeBuffer memory) {
        try (FileChannel channel = FileChannel.open(folder.resolve(graphName), StandardOpenOption.READ)) {
            long size = channel.size();
            if (size > Integer.MAX_VALUE) {
                throw new InvalidDataException(DataProblem.of(
                                "the model's graph has " + size + " bytes, ONNX allows 2 GB",
                                "export with external data: weights in a file beside the graph")
                        .inFile(graphName));
            }
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
        ExternalData.check(graph, folder, graphName);
        return shape;
    }

    private InvalidDataException unreadable(IOException e) {
        DataProblem problem = e instanceof NoSuchFileException
                ? DataProblem.of(
                        "the model's folder has no " + graphName,
                        "name the graph's file in the recipe (model_file), or export: " + ShapeCheck.REMEDY)
                : DataProblem.of("the model cannot be read: " + e.getMessage(), "see whether its files are readable");
        return new InvalidDataException(problem.inFile(graphName), e);
    }
}
