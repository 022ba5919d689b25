package io.kvscale.input;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.impl.OpenFileParameters;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FileOpenerTest {
    @TempDir
    private Path folder;

    private final FileOpener opener = new FileOpener(new Configuration());

    @Test
    void everyFileIsOpenedWhateverCameBefore() throws IOException {
        List<String> names =
                List.of("a/1", "a/2", "ab/1", "a/b/1", "a/%20", "a/x y", "a/c:d", "a b/1", "a/\u00e9", "a/2");
        for (String name : names) {
            Path file = folder.resolve(name);
            Files.createDirectories(file.getParent());
            Files.writeString(file, name);
        }
        for (String name : names) {
            int length = name.getBytes(StandardCharsets.UTF_8).length;
            ByteBuffer bytes = ByteBuffer.allocateDirect(length);
            try (ByteSource source = opener.open(file(name, length))) {
                source.read(0, bytes);
                assertThat(source.version().length()).isEqualTo(length);
            }
            assertThat(StandardCharsets.UTF_8.decode(bytes.flip()).toString()).isEqualTo(name);
        }
        assertThatThrownBy(() -> opener.open(file("a/none", 1))).isInstanceOf(NoSuchFileException.class);
    }

    /** Opens files as an object store does, which asks for a length that it is not told. */
    public static class StoreFileSystem extends RawLocalFileSystem {
        private static final List<Long> LENGTHS = new ArrayList<>();
        private static @Nullable FileStatus listed;

        @Override
        public URI getUri() {
            return URI.create("store:///");
        }

        @Override
        protected CompletableFuture<FSDataInputStream> openFileWithOptions(
                org.apache.hadoop.fs.Path path, OpenFileParameters parameters) throws IOException {
            listed = parameters.getStatus();
            LENGTHS.add(parameters.getOptions().getLong("fs.option.openfile.length", -1));
            return super.openFileWithOptions(path, parameters);
        }
    }

    @Test
    void aStoreIsToldTheLengthThatTheListingFound() throws IOException {
        Configuration configuration = new Configuration();
        configuration.set("fs.store.impl", StoreFileSystem.class.getName());
        Path path = Files.writeString(folder.resolve("a"), "four");
        InputFile file = new InputFile("store://" + path, "a", "root", 4);
        try (ByteSource source = new FileOpener(configuration).open(file)) {
            ByteBuffer bytes = ByteBuffer.allocate(4);
            source.read(0, bytes);
            assertThat(bytes.array()).isEqualTo("four".getBytes(StandardCharsets.UTF_8));
        }
        assertThat(StoreFileSystem.LENGTHS).containsExactly(4L);
    }

    /** A file system with the name of S3A. */
    public static final class S3 extends StoreFileSystem {
        @Override
        public URI getUri() {
            return URI.create("s3a:///");
        }
    }

    /** S3A then asks for no version when it opens an object, and reads no other one. */
    @ParameterizedTest
    @CsvSource({
        "s3a, server, etag, true",
        "s3a, client, etag, true",
        "s3a, warn, etag, false",
        "s3a, none, etag, false",
        "s3a, server, versionid, false",
        "store, server, etag, false",
    })
    void anObjectIsOpenedAsItWasListed(String scheme, String mode, String source, boolean bound) throws IOException {
        Configuration configuration = new Configuration();
        configuration.set("fs.store.impl", StoreFileSystem.class.getName());
        configuration.set("fs.s3a.impl", S3.class.getName());
        configuration.setBoolean("fs.s3a.impl.disable.cache", true);
        configuration.set("fs.s3a.change.detection.mode", mode);
        configuration.set("fs.s3a.change.detection.source", source);
        Path path = Files.writeString(folder.resolve("a"), "four");
        for (String etag : new String[] {"\"e\"", null}) {
            InputFile file = new InputFile(scheme + "://" + path, "a", "root", new FileVersion(4, 7, etag));
            try (ByteSource opened = new FileOpener(configuration).open(file)) {
                assertThat(opened.isBound()).isEqualTo(bound && etag != null);
            }
            FileStatus listed = StoreFileSystem.listed;
            assertThat(listed == null ? null : FileVersion.of(listed))
                    .isEqualTo(bound && etag != null ? file.version() : null);
        }
    }

    private InputFile file(String name, long length) {
        return new InputFile(
                new org.apache.hadoop.fs.Path(folder.resolve(name).toUri()).toString(), name, "root", length);
    }
}
