package io.kvscale.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.input.InputFile;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CaptureListingTest {
    @TempDir
    Path folder;

    @BeforeEach
    void captures() throws IOException {
        for (String name : List.of(
                "in/b.safetensors",
                "in/a/c.safetensors",
                "in/a/d.e/f.safetensors",
                "in/a!.safetensors",
                "in/README.md",
                "in/a/notes.txt",
                "in/x.safetensors.tmp",
                "in/.hidden.safetensors",
                "in/_part.safetensors",
                "in/_temporary/g.safetensors",
                "in/.git/h.safetensors",
                "other/b.safetensors",
                "far/in/z.safetensors",
                "raw.bin")) {
            Path file = folder.resolve(name);
            Files.createDirectories(file.getParent());
            Files.write(file, new byte[name.length()]);
        }
    }

    @Test
    void foldersAreListedInByteOrderOfNames() {
        CaptureListing listing = list("in");
        assertThat(names(listing))
                .containsExactly("a!.safetensors", "a/c.safetensors", "a/d.e/f.safetensors", "b.safetensors");
        assertThat(listing.skipped()).isEqualTo(3);
        assertThat(listing.bytes()).isEqualTo(17 + 18 + 22 + 16);
        assertThat(listing.files().get(2).stem()).isEqualTo("a/d.e/f");
        assertThat(listing.files().get(2).folder()).isEqualTo("a/d.e");
        assertThat(listing.files().get(3).folder()).isEqualTo("in");
        assertThat(names(list("in/"))).isEqualTo(names(listing));
        assertThat(names(list("in/a/..//./"))).isEqualTo(names(listing));
    }

    @Test
    void namesSortAsUtf8AndNotAsChars() throws IOException {
        Files.createDirectories(folder.resolve("utf"));
        for (String name : List.of("\uffee", "\ud83d\ude00", "z", "\u00e9")) {
            Files.createFile(folder.resolve("utf/" + name + ".safetensors"));
        }
        assertThat(list("utf").files())
                .extracting(InputFile::stem)
                .containsExactly("z", "\u00e9", "\uffee", "\ud83d\ude00");
    }

    @Test
    void anInputThatIsAFileMayHaveAnyName() {
        assertThat(names(list("raw.bin"))).containsExactly("raw.bin");
        assertThat(names(list("in/_part.safetensors"))).containsExactly("_part.safetensors");
        assertThat(names(list("in/README.md"))).containsExactly("README.md");
    }

    @Test
    void aGlobMatchesLikeAFolder() {
        assertThat(names(list("in/*.safetensors"))).containsExactly("a!.safetensors", "b.safetensors");
        assertThat(names(list("in/{a,b}*")))
                .containsExactly("a!.safetensors", "a/c.safetensors", "a/d.e/f.safetensors", "b.safetensors");
        CaptureListing all = list("in/*");
        assertThat(names(all)).isEqualTo(names(list("in")));
        assertThat(all.skipped()).isEqualTo(3);
        assertThat(names(list("*/in"))).containsExactly("far/in/z.safetensors");
        assertThat(names(list("[f-o]*/b.safetensors"))).containsExactly("in/b.safetensors", "other/b.safetensors");
    }

    @Test
    void aFileGivenTwiceCountsOnce() {
        assertThat(names(list("in", "in"))).hasSize(4);
        assertThat(names(list("in", "in/b.safetensors", "in/a")))
                .containsExactly(
                        "in/a!.safetensors", "in/a/c.safetensors", "in/a/d.e/f.safetensors", "in/b.safetensors");
    }

    @Test
    void namesFromSeveralInputsBeginWithTheLastFolder() {
        assertThat(names(list("other", "in/a", "raw.bin")))
                .containsExactlyInAnyOrder(
                        "a/c.safetensors",
                        "a/d.e/f.safetensors",
                        "other/b.safetensors",
                        folder.getFileName() + "/raw.bin");
    }

    @Test
    void equalNamesAreAnError() throws IOException {
        assertThat(names(list("in", "far/in"))).contains("in/b.safetensors", "in/z.safetensors");
        Files.createFile(folder.resolve("far/in/b.safetensors"));
        assertThatThrownBy(() -> list("in", "far/in"))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("two files have the sample name 'in/b'")
                .hasMessageContaining("rename one, or give a folder above both");
        // The sample name has no extension, so these two would be one sample.
        Files.createFile(folder.resolve("in/raw.bin"));
        Files.createFile(folder.resolve("in/raw.dat"));
        assertThatThrownBy(() -> list("in/raw.bin", "in/raw.dat"))
                .hasMessageContaining("sample name 'in/raw'")
                .hasMessageContaining("rename one, or leave one out");
    }

    @Test
    void anInputWithoutFilesIsAnErrorThatNamesIt() throws IOException {
        Files.createDirectories(folder.resolve("empty/er"));
        assertThatThrownBy(() -> list("absent"))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("absent does not exist");
        assertThatThrownBy(() -> list("in/*.gguf")).hasMessageContaining("does not exist");
        assertThatThrownBy(() -> list("empty")).hasMessageContaining("no .safetensors, .arrow or .arrows file in");
        assertThatThrownBy(() -> list("in/*.md")).hasMessageContaining("(1 other files)");
        assertThatThrownBy(() -> CaptureListing.of(List.of(), new Configuration()))
                .isInstanceOf(InvalidDataException.class);
        assertThatThrownBy(() -> CaptureListing.of(List.of(""), new Configuration()))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("is not a path");
        assertThatThrownBy(() -> CaptureListing.of(List.of("a[b"), new Configuration()))
                .isInstanceOf(InvalidDataException.class);
        assertThatThrownBy(() -> CaptureListing.of(List.of("nosuch://host/x"), new Configuration()))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("cannot be listed");
    }

    @Test
    void aFormatSelectsTheFilesOfAFolder() throws IOException {
        for (String name : List.of("in/t/part-0.parquet", "in/t/u/part-0.parquet", "in/x/r.arrow", "in/x/s.arrows")) {
            Path file = folder.resolve(name);
            Files.createDirectories(file.getParent());
            Files.write(file, new byte[1]);
        }
        assertThat(names(list(format("arrow"), "in"))).containsExactly("x/r.arrow", "x/s.arrows");
        assertThat(names(list(format("safetensors"), "in"))).hasSize(4);
        assertThat(list(format("safetensors"), "in").skipped()).isEqualTo(3 + 4);
        assertThat(names(list("in"))).hasSize(4 + 2);
        // An input that is a file is taken, whatever its name.
        assertThat(names(list(format("arrow"), "raw.bin"))).containsExactly("raw.bin");
        assertThatThrownBy(() -> list((CaptureFormat) null, "in"))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("the inputs mix a table with captures");
        CaptureListing parquet = list((CaptureFormat) null, "in/t", "in/t/u");
        assertThat(parquet.table()).isTrue();
        assertThat(parquet.files()).hasSize(2);
        assertThat(list((CaptureFormat) null, "in/a").table()).isFalse();
        assertThat(CaptureListing.extensions((CaptureFormat) null))
                .isEqualTo(".safetensors, .arrow, .arrows or .parquet");
    }

    @Test
    void aRelativeInputIsNamedLikeAnAbsoluteOne() {
        assertThat(CaptureListing.of(List.of("src/test/resources/statistics/v1/minmax.kvstats"), new Configuration())
                        .files())
                .extracting(InputFile::name, InputFile::folder)
                .containsExactly(org.assertj.core.groups.Tuple.tuple("minmax.kvstats", "v1"));
    }

    private CaptureListing list(String... inputs) {
        return CaptureListing.of(
                Stream.of(inputs).map(input -> folder + "/" + input).toList(), new Configuration());
    }

    private CaptureListing list(@Nullable CaptureFormat format, String... inputs) {
        return CaptureListing.of(
                Stream.of(inputs).map(input -> folder + "/" + input).toList(),
                format,
                new Configuration(),
                files -> {});
    }

    private static CaptureFormat format(String word) {
        return CaptureFormats.named(word).orElseThrow();
    }

    private static List<String> names(CaptureListing listing) {
        return listing.files().stream().map(InputFile::name).toList();
    }
}
