package io.kvscale.job.command;

import io.kvscale.input.InputFile;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.codec.binary.Hex;
import org.apache.commons.codec.digest.DigestUtils;
import org.jspecify.annotations.Nullable;

/**
 * Which files a run read, without reading them again.
 *
 * @param sha256 of a line for each file, in the order of their names: the name below the input, the length, and the ETag on object
 *     stores or else the time of modification in milliseconds
 */
record InputIdentity(long files, long bytes, String sha256) {
    static InputIdentity of(List<InputFile> files) {
        MessageDigest digest = DigestUtils.getSha256Digest();
        long bytes = 0;
        for (InputFile file : files) {
            bytes += file.length();
            String line = file.name() + '\t' + file.length() + '\t' + version(file) + '\n';
            digest.update(line.getBytes(StandardCharsets.UTF_8));
        }
        return new InputIdentity(files.size(), bytes, Hex.encodeHexString(digest.digest()));
    }

    private static Object version(InputFile file) {
        // A state adds the time of the last change of a local file, which a run without one does not know.
        @Nullable
        String etag = file.path().startsWith("file:") ? null : file.version().etag();
        return etag == null ? (Object) file.version().modified() : etag;
    }

    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("files", files);
        fields.put("bytes", bytes);
        fields.put("sha256", sha256);
        return fields;
    }
}
