package io.kvscale.model.onnx;

import com.google.protobuf.CodedInputStream;
import io.kvscale.input.RegularFile;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.model.onnx.file.OnnxGraph;
import io.kvscale.model.onnx.file.OnnxReader;
import io.kvscale.model.onnx.file.OnnxTypes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.LongFunction;

/** The graph of a decoder, checked against config.json and its data files before ONNX Runtime loads it. */
public final class DecoderGraph {
    private final OnnxGraph graph;
    private final String name;
    private final ModelShape shape;

    private DecoderGraph(OnnxGraph graph, String name, ModelShape shape) {
        this.graph = graph;
        this.name = name;
        this.shape = shape;
    }

    /** The files of a model's folder. */
    public interface Folder {
        /** The bytes of a file below the folder; -1 if there is none. */
        long size(String name) throws IOException;

        /** @throws IOException a FileNotFoundException or NoSuchFileException if there is none */
        InputStream open(String name) throws IOException;
    }

    /** A local folder; a file that is a link out of the folder is an error, because ONNX Runtime refuses it. */
    public static Folder folder(Path path) {
        return new Folder() {
            @Override
            public long size(String name) throws IOException {
                Path file = path.resolve(name);
                if (!Files.isRegularFile(file)) {
                    return -1;
                }
                if (!file.toRealPath().startsWith(path.toRealPath())) {
                    throw ExternalData.bad(
                            "the model's data file " + DataProblem.shown(name) + " is a link out of its folder", name);
                }
                return Files.size(file);
            }

            @Override
            public InputStream open(String name) throws IOException {
                Path file = path.resolve(name);
                RegularFile.check(file.toFile());
                return Files.newInputStream(file);
            }
        };
    }

    /**
     * Reads and checks a graph; weights are skipped.
     *
     * @param name of the graph's file
     * @throws InvalidDataException naming each misfit of graph and config.json, or a file that is missing or cut short
     */
    public static DecoderGraph read(Folder folder, String name) throws IOException {
        long bytes = folder.size(name);
        if (bytes < 0) {
            throw missing(name);
        }
        checkSize(bytes, name);
        try (InputStream in = folder.open(name)) {
            return checked(folder, name, OnnxReader.read(in, name));
        }
    }

    /**
     * As {@link #read(Folder, String)}, from the bytes of the graph's file.
     *
     * @throws InvalidDataException likewise
     */
    public static DecoderGraph read(Folder folder, String name, ByteBuffer file) throws IOException {
        return checked(folder, name, OnnxReader.read(CodedInputStream.newInstance(file.duplicate()), name));
    }

    private static DecoderGraph checked(Folder folder, String name, OnnxGraph graph) throws IOException {
        ModelShape shape = ShapeCheck.check(graph, DecoderConfig.read(folder), name);
        ExternalData.check(graph, name, folder);
        return new DecoderGraph(graph, name, shape);
    }

    /** @throws InvalidDataException if the graph's file is larger than protobuf allows */
    public static void checkSize(long bytes, String name) {
        if (bytes > Integer.MAX_VALUE) {
            throw new InvalidDataException(DataProblem.of(
                            "the model's graph has " + bytes + " bytes, ONNX allows 2 GB",
                            "export with external data: weights in a file beside the graph")
                    .inFile(name));
        }
    }

    public static InvalidDataException missing(String name) {
        return new InvalidDataException(
                "the model's folder has no file " + DataProblem.shown(name),
                "set model_file in the recipe to the name of the graph's file, or " + ShapeCheck.REMEDY);
    }

    public ModelShape shape() {
        return shape;
    }

    /** The graph's file, config.json and the data files that hold weights. */
    public SortedSet<String> files() {
        SortedSet<String> files = new TreeSet<>(graph.externalFiles());
        files.add(name);
        files.add(ModelConfig.FILE);
        return files;
    }

    /** The element types ({@link OnnxTypes}) of all inputs. */
    public Map<String, Integer> inputTypes() {
        Map<String, Integer> types = new HashMap<>();
        graph.inputs().forEach(input -> types.put(input.name(), input.elementType()));
        return types;
    }

    /**
     * The element type of the logits.
     *
     * @throws InvalidDataException if the graph has no output logits
     */
    public int logitsType() {
        return graph.outputs().stream()
                .filter(output -> output.name().equals(CacheTensors.LOGITS))
                .findFirst()
                .orElseThrow(() ->
                        new InvalidDataException(DataProblem.of("the model has no output logits", ShapeCheck.REMEDY)
                                .inFile(name)))
                .elementType();
    }

    /**
     * The file of a graph whose cache holds fake-quantized K and V, and whose tokens attend to those only. Additional
     * inputs say how ({@link GraphQuantizer}); additional outputs give K and V of new tokens before quantization.
     *
     * @param file the bytes that the graph was read from; not changed
     * @param memory gives memory of a size
     * @throws UnquantizableGraphException if the graph has a form that is not known, or the new file has more than 2 GB
     */
    public ByteBuffer quantized(ByteBuffer file, LongFunction<ByteBuffer> memory) throws IOException {
        return quantized(file, memory, Integer.MAX_VALUE);
    }

    /** @param limit the greatest size of the new file */
    ByteBuffer quantized(ByteBuffer file, LongFunction<ByteBuffer> memory, long limit) throws IOException {
        AttentionRewrite.Result result = AttentionRewrite.of(graph, shape);
        if (result.rewrite() == null) {
            throw new UnquantizableGraphException(
                    "the model's graph has a form that is not known: " + result.obstacle(), name);
        }
        return GraphSplice.write(graph, result.rewrite(), file, memory, name, limit);
    }

    /**
     * Removes the nodes that K and V do not need.
     *
     * @param file the bytes that the graph was read from; changed in place
     */
    public void keepCacheOnly(ByteBuffer file) {
        CacheGraph.keepCacheOnly(graph, file);
    }
}
