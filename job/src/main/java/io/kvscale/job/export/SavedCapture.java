package io.kvscale.job.export;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.TensorNames;
import io.kvscale.input.InputFile;
import io.kvscale.input.RegularFile;
import io.kvscale.safetensors.SafetensorsHeader;
import io.kvscale.tensor.InvalidDataException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Tells captures from other safetensors files, such as the weights of a model. */
final class SavedCapture {
    private static final TensorNames NAMES = new TensorNames(CaptureOptions.defaults());

    private SavedCapture() {}

    /** Whether all tensors of a file have names of K or V. */
    static boolean is(FileSystem fs, FileStatus status) throws IOException {
        Path file = status.getPath();
        InputFile named = new InputFile(file.toString(), file.getName(), "", 0);
        try (InputStream in = new BufferedInputStream(RegularFile.open(fs, file))) {
            SafetensorsHeader header =
                    SafetensorsHeader.read(in, status.getLen(), tensor -> NAMES.match(tensor, named) != null);
            return header.tensorCount() > 0
                    && header.tensorCount() == header.tensors().size();
        } catch (InvalidDataException e) {
            return false;
        }
    }
}
