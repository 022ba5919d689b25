package io.kvscale.job.target;

import io.kvscale.safetensors.SafetensorsWriter;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * The scales of one slot as a tensor of a checkpoint, F32.
 *
 * @param name the name of the tensor
 * @param shape its dimensions; empty for a scalar
 * @param values the scales, row-major
 */
public record ScaleTensor(String name, List<Long> shape, float[] values) {
    /** Scales in their own shape: [1] or [H,1,1]. */
    static ScaleTensor shaped(String name, SlotScales scales) {
        List<Long> shape = new ArrayList<>();
        for (int axis : scales.shape()) {
            shape.add((long) axis);
        }
        return new ScaleTensor(name, shape, scales.scale());
    }

    /** One scale as ModelOpt writes it: shape []. */
    static ScaleTensor scalar(String name, SlotScales scales) {
        return new ScaleTensor(name, List.of(), new float[] {scales.scale()[0]});
    }

    /** Bytes of the data. */
    public long bytes() {
        return (long) Float.BYTES * values.length;
    }

    /**
     * A safetensors file with these tensors, in their order.
     *
     * @throws InvalidDataException if a name is too long or not Unicode
     */
    public static byte[] file(List<ScaleTensor> tensors) {
        SafetensorsWriter file = new SafetensorsWriter().metadata("format", "pt");
        for (ScaleTensor tensor : tensors) {
            ByteBuffer bytes =
                    ByteBuffer.allocate(Float.BYTES * tensor.values.length).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asFloatBuffer().put(tensor.values);
            try {
                file.add(tensor.name, "F32", tensor.shape, bytes.array());
            } catch (IllegalArgumentException e) {
                throw new InvalidDataException(
                        DataProblem.of(
                                        "no safetensors file can hold a tensor of this name",
                                        "shorten the names of the attention modules, which --prefix states")
                                .inTensor(tensor.name),
                        e);
            }
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            file.writeTo(out);
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory does not fail", e);
        }
        return out.toByteArray();
    }
}
