package io.kvscale.model;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import io.kvscale.model.onnx.CacheTensors;
import io.kvscale.model.onnx.file.OnnxTypes;
import java.nio.ByteBuffer;
import java.util.Map;

/** The inputs input_ids, attention_mask and position_ids of one feed in native memory, padded on the right. */
final class TokenInputs implements AutoCloseable {
    private final ModelSession session;
    private final NativeBuffer ids = new NativeBuffer();
    private final NativeBuffer mask = new NativeBuffer();
    private final NativeBuffer positions = new NativeBuffer();

    TokenInputs(ModelSession session) {
        this.session = session;
    }

    private interface Cell {
        int at(int row, int column);
    }

    /**
     * @param chunk one array of new ids per row
     * @param past tokens fed before, equal for all rows
     * @param added the length of the longest row of the chunk
     * @param to receives the tensors; the caller closes them
     */
    void put(int[][] chunk, int past, int added, Map<String, OnnxTensor> to) throws OrtException {
        int rows = chunk.length;
        put(CacheTensors.IDS, ids, rows, added, (row, i) -> i < chunk[row].length ? chunk[row][i] : 0, to);
        put(CacheTensors.MASK, mask, rows, past + added, (row, i) -> i < past + chunk[row].length ? 1 : 0, to);
        if (session.inputs().containsKey(CacheTensors.POSITIONS)) {
            // Padding gets the next positions, which stay within the model's limit like those of the longest row.
            put(CacheTensors.POSITIONS, positions, rows, added, (row, i) -> past + i, to);
        }
    }

    private void put(String name, NativeBuffer memory, int rows, int columns, Cell cell, Map<String, OnnxTensor> to)
            throws OrtException {
        boolean wide = session.inputs().getOrDefault(name, OnnxTypes.INT64) == OnnxTypes.INT64;
        ByteBuffer values = memory.take((long) rows * columns * (wide ? 8 : 4));
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < columns; i++) {
                int value = cell.at(row, i);
                if (wide) {
                    values.putLong(value);
                } else {
                    values.putInt(value);
                }
            }
        }
        OnnxJavaType type = wide ? OnnxJavaType.INT64 : OnnxJavaType.INT32;
        to.put(name, OnnxTensor.createTensor(session.environment(), values.flip(), new long[] {rows, columns}, type));
    }

    @Override
    public void close() {
        ids.close();
        mask.close();
        positions.close();
    }
}
