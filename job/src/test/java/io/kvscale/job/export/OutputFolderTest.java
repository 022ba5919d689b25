package io.kvscale.job.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Output folders when runs meet, are killed, or use unusual paths. */
class OutputFolderTest {
    @TempDir
    private Path work;

    private static OutputFolder open(Object target, boolean overwrite) {
        return OutputFolder.open(target.toString(), overwrite, List.of(), new Configuration());
    }

    private static void write(Object target, boolean overwrite, String content) {
        try (OutputFolder output = open(target, overwrite)) {
            output.write("kv_scales.json", content.getBytes(StandardCharsets.UTF_8));
            output.commit();
        }
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(work)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private Path hidden(String target, String suffix) throws IOException {
        Path folder = Files.createDirectory(work.resolve("." + target + "." + UUID.randomUUID() + suffix));
        Files.writeString(folder.resolve("kv_scales.json"), "hidden");
        return folder;
    }

    private static void age(Path folder, Duration age) throws IOException {
        FileTime then = FileTime.from(Instant.now().minus(age));
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.toList()) {
                Files.setLastModifiedTime(path, then);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "hooked://"})
    void oneOfTwoRunsWins(String scheme) throws Exception {
        assertThat(new CommitRace(scheme + work, 100, scheme.isEmpty()).run(false))
                .isEqualTo(100);
    }

    @Test
    void theLastOfTwoRunsThatOverwriteWins() throws Exception {
        assertThat(new CommitRace(work.toString(), 200, true).run(true)).isZero();
    }

    /** Without an atomic rename a run may fail, but the result is one of the two. */
    @Test
    void aRenameThatIsNotAtomicDoesNotMixResults() throws Exception {
        assertThat(new CommitRace("hooked://" + work, 100, false).run(true)).isLessThan(100);
    }

    @Test
    void aRunThatLosesSaysSoAndLeavesNothing() throws IOException {
        Path target = work.resolve("out");
        try (OutputFolder slow = open(target, false)) {
            slow.write("kv_scales.json", new byte[] {'s'});
            write(target, false, "fast");
            assertThatThrownBy(slow::commit)
                    .isInstanceOf(OutputException.class)
                    .hasMessageContaining("was created by something else while this command ran")
                    .hasMessageContaining("--overwrite");
        }
        assertThat(target.resolve("kv_scales.json")).hasContent("fast");
        assertThat(names()).containsExactly("out");
    }

    @Test
    void overwriteDoesNotReplaceAFolderThatChangedMeanwhile() throws IOException {
        Path target = work.resolve("out");
        write(target, false, "old");
        try (OutputFolder output = open(target, true)) {
            Files.writeString(target.resolve("thesis.tex"), "years of work");
            assertThatThrownBy(output::commit).hasMessageContaining("thesis.tex");
        }
        assertThat(target.resolve("kv_scales.json")).hasContent("old");
        assertThat(names()).containsExactly("out");
    }

    @Test
    void capturesThatAreInPlaceAreNamedWhenTheResultFails() throws IOException {
        Path target = work.resolve("out");
        Path captures = work.resolve("captures");
        try (OutputFolder output = open(target, false);
                OutputFolder saved =
                        OutputFolder.forCaptures(captures.toString(), false, List.of(), new Configuration())) {
            // Removed while the run works, as a cleaner of temporary files does.
            delete(Path.of(java.net.URI.create(output.staging())));
            assertThatThrownBy(() -> output.commit(saved))
                    .hasMessageContaining("hidden folder with its files was removed")
                    .hasMessageContaining("the captures are complete in " + captures);
        }
        assertThat(names()).containsExactly("captures");
        try (OutputFolder output = open(target, false);
                OutputFolder saved =
                        OutputFolder.forCaptures(captures.toString(), true, List.of(), new Configuration())) {
            write(target, false, "other");
            assertThatThrownBy(() -> output.commit(saved))
                    .hasMessageContaining("was created by something else")
                    .hasMessageNotContaining("captures are complete");
        }
    }

    private static void delete(Path folder) {
        org.apache.hadoop.fs.FileUtil.fullyDelete(folder.toFile());
    }

    @Test
    void aLaterRunRemovesWhatKilledRunsLeft() throws IOException {
        Path killed = hidden("out", ".tmp");
        age(killed, Duration.ofDays(2));
        Path living = hidden("out", ".tmp");
        age(living, Duration.ofDays(2));
        Files.writeString(living.resolve("_lease"), "");
        Path recent = hidden("out", ".tmp");
        age(recent, Duration.ofHours(20));
        Path other = hidden("out2", ".tmp");
        age(other, Duration.ofDays(2));
        Path user = Files.createDirectory(work.resolve(".out.notes.tmp"));
        age(user, Duration.ofDays(2));
        write(work.resolve("out"), false, "new");
        assertThat(killed).doesNotExist();
        assertThat(List.of(living, recent, other, user))
                .allSatisfy(kept -> assertThat(kept).exists());
        Path replaced = hidden("out", ".old");
        age(replaced, Duration.ofDays(2));
        Path moving = hidden("out", ".old");
        write(work.resolve("out"), true, "newer");
        assertThat(replaced).doesNotExist();
        assertThat(moving).exists();
        assertThat(work.resolve("out/kv_scales.json")).hasContent("newer");
    }

    /** A run with --overwrite was killed after it moved the old folder aside and before the new one was in place. */
    @Test
    void theOldResultComesBackAfterAKillInTheMiddleOfAnOverwrite() throws IOException {
        Path older = hidden("out", ".old");
        age(older, Duration.ofDays(3));
        Path newest = hidden("out", ".old");
        Files.writeString(newest.resolve("kv_scales.json"), "newest");
        assertThatThrownBy(() -> open(work.resolve("out"), false))
                .isInstanceOf(OutputException.class)
                .hasMessageContaining("exists again: a run that would replace it was killed")
                .hasMessageContaining("--overwrite");
        assertThat(work.resolve("out/kv_scales.json")).hasContent("newest");
        write(work.resolve("out"), true, "new");
        assertThat(work.resolve("out/kv_scales.json")).hasContent("new");
        assertThat(names()).containsExactly("out");
    }

    @Test
    void aLaterRunRemovesWhatAnotherFileSystemKept() throws IOException {
        Path empty = Files.createDirectory(work.resolve(".out." + UUID.randomUUID() + ".old"));
        age(empty, Duration.ofDays(2));
        Path replaced = hidden("out", ".old");
        age(replaced, Duration.ofDays(2));
        write("hooked://" + work.resolve("out"), false, "1");
        write("hooked://" + work.resolve("out"), true, "2");
        assertThat(names()).containsExactly("out");
    }

    /** Hidden folders that kvscale did not write, whatever their names are. */
    @Test
    void foreignHiddenFoldersStay() throws IOException {
        Path file = hidden("out", ".old");
        Files.writeString(file.resolve("thesis.tex"), "years of work");
        Path below = hidden("out", ".old");
        Files.writeString(Files.createDirectory(below.resolve("vllm")).resolve("model.safetensors"), "weights");
        Path folder = hidden("out", ".tmp");
        Files.createDirectory(folder.resolve("notes"));
        Path named = Files.createDirectory(work.resolve(".out." + UUID.randomUUID() + ".old"));
        Files.createDirectory(named.resolve("kv_scales.json"));
        for (Path path : List.of(file, below, folder, named)) {
            age(path, Duration.ofDays(2));
        }
        Path elsewhere = Files.createDirectory(work.resolve("elsewhere"));
        Files.writeString(elsewhere.resolve("kv_scales.json"), "mine");
        age(elsewhere, Duration.ofDays(2));
        Path link = Files.createSymbolicLink(work.resolve(".out." + UUID.randomUUID() + ".old"), elsewhere);
        List<String> before = names();
        write(work.resolve("out"), false, "1");
        write(work.resolve("out"), true, "2");
        assertThat(work.resolve("out/kv_scales.json")).hasContent("2");
        assertThat(link).isSymbolicLink();
        assertThat(elsewhere.resolve("kv_scales.json")).exists();
        assertThat(names()).hasSize(before.size() + 1).containsAll(before);
    }

    @Test
    void hiddenFoldersOfAnotherUserStay() throws IOException {
        Path planted = hidden("out", ".old");
        age(planted, Duration.ofDays(2));
        Path staging = hidden("out", ".tmp");
        age(staging, Duration.ofDays(2));
        try {
            UserPrincipal other =
                    work.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody");
            Files.setOwner(planted, other);
            Files.setOwner(staging, other);
        } catch (IOException e) {
            Assumptions.abort("only root can give folders to another user");
        }
        write(work.resolve("out"), false, "1");
        write(work.resolve("out"), true, "2");
        assertThat(planted).exists();
        assertThat(staging).exists();
    }

    /** The names of these files are those of a result, but kvscale does not write them there. */
    @ParameterizedTest
    @ValueSource(strings = {"vllm/model.safetensors", "vllm/_SUCCESS/x", "kv_scales.json/x", "run.json/kv_scales.json"})
    void overwriteKeepsForeignFilesInFolders(String name) throws IOException {
        Path mine = work.resolve("out").resolve(name);
        Files.createDirectories(mine.getParent());
        Files.writeString(mine, "mine");
        assertThatThrownBy(() -> open(work.resolve("out"), true))
                .isInstanceOf(OutputException.class)
                .hasMessageContaining("holds files other than kvscale results: ")
                .hasMessageContaining(name.substring(0, name.indexOf('/')));
        assertThat(mine).hasContent("mine");
    }

    @Test
    void aResultWithAStagingFolderInsideCanBeOverwritten() throws IOException {
        Path target = work.resolve("out");
        write(target, false, "old");
        Files.createDirectory(target.resolve(".out." + UUID.randomUUID() + ".tmp"));
        write(target, true, "new");
        assertThat(names()).containsExactly("out");
        assertThat(target.resolve("kv_scales.json")).hasContent("new");
    }

    /** Files that are written after the staging folder was removed do not make a whole folder. */
    @Test
    void aStagingFolderThatWasRemovedIsNotCommitted() throws IOException {
        Path target = work.resolve("out");
        try (OutputFolder output = open(target, false)) {
            output.write("kv_scales.json", new byte[1]);
            delete(Path.of(java.net.URI.create(output.staging())));
            output.write("run.json", new byte[1]);
            assertThatThrownBy(output::commit).hasMessageContaining("removed while this command ran");
        }
        assertThat(names()).isEmpty();
    }

    @Test
    void theLeaseIsRenewedByTheFileSystemsClock() throws Exception {
        Path target = work.resolve("out");
        try (OutputFolder output = open(target, false)) {
            Path lease = Path.of(java.net.URI.create(output.staging())).resolve(Lease.FILE);
            assertThat(lease).isEmptyFile();
            output.commit();
        }
        assertThat(target.resolve(Lease.FILE)).doesNotExist();
        FileSystem fs = FileSystem.newInstance(new Configuration());
        Lease lease = Lease.take(fs, new org.apache.hadoop.fs.Path(work.toUri()));
        Files.setLastModifiedTime(work.resolve(Lease.FILE), FileTime.fromMillis(0));
        lease.renew();
        assertThat(lease.time()).isGreaterThan(System.currentTimeMillis() - 60_000);
        Files.delete(work.resolve(Lease.FILE));
        lease.renew();
        assertThat(work.resolve(Lease.FILE)).doesNotExist();
        assertThatThrownBy(lease::release).isInstanceOf(IOException.class);
    }

    @Test
    void aLinkToAResultStaysALink() throws IOException {
        Path real = Files.createDirectories(work.resolve("disk")).resolve("real");
        write(real, false, "old");
        Path link = Files.createSymbolicLink(work.resolve("link"), real);
        assertThatThrownBy(() -> open(link, false)).hasMessageContaining("already exists");
        write(link + "/", true, "new");
        assertThat(link).isSymbolicLink();
        assertThat(real.resolve("kv_scales.json")).hasContent("new");
        assertThat(names()).containsExactly("disk", "link");
        Path dangling = Files.createSymbolicLink(work.resolve("dangling"), work.resolve("none"));
        assertThatThrownBy(() -> open(dangling, true)).hasMessageContaining("link to a path that does not exist");
    }

    @Test
    void anInputBehindALinkOverlaps() throws IOException {
        Path input = Files.createDirectories(work.resolve("data/in"));
        Path link = Files.createSymbolicLink(work.resolve("link"), work.resolve("data"));
        for (Path output : List.of(link.resolve("in/out"), work.resolve("data/x/../in/out"))) {
            assertThatThrownBy(() ->
                            OutputFolder.open(output.toString(), true, List.of(input.toString()), new Configuration()))
                    .hasMessageContaining("overlap");
        }
        assertThat(input).isEmptyDirectory();
    }

    @ParameterizedTest
    @ValueSource(strings = {".hidden", "_under", "a b", "out/", "a[1]{2}*", "\u6f22"})
    void anyNameIsAnOutput(String name) throws IOException {
        write(work + "/" + name, false, "1");
        write(work + "/" + name, true, "2");
        assertThat(work.resolve(name).resolve("kv_scales.json")).hasContent("2");
        assertThat(names()).containsExactly(Path.of(name).toString());
    }

    /** The name of the file is one that a result may have. */
    @Test
    void aFileIsNotReplaced() throws IOException {
        Path file = Files.writeString(work.resolve("run.json"), "mine");
        assertThatThrownBy(() -> open(file, true)).hasMessageContaining("is a file");
        Path capture = Files.writeString(work.resolve("x.safetensors"), "mine");
        assertThatThrownBy(() -> OutputFolder.forCaptures(capture.toString(), true, List.of(), new Configuration()))
                .hasMessageContaining("is a file");
        assertThat(file).hasContent("mine");
        assertThat(names()).hasSize(2);
    }

    @Test
    void aServerThatDoesNotAnswerIsAnErrorOfTheOutput() {
        assertThatThrownBy(() -> open("ftp://127.0.0.1:9/out", false))
                .isInstanceOf(OutputException.class)
                .hasMessageContaining("ftp://127.0.0.1:9/out cannot be written: the server of its file system does not")
                .hasMessageContaining("check its address and that the server runs")
                .hasMessageContaining("--output");
    }

    @Test
    void anInputUnderAnotherNameOfItsFileSystemOverlaps() throws IOException {
        Path input = Files.createDirectories(work.resolve("in"));
        Configuration mounted = new Configuration();
        mounted.set("fs.viewfs.mounttable.kv.link./data", work.toUri().toString());
        assertThatThrownBy(
                        () -> OutputFolder.open("viewfs://kv/data/in/out", false, List.of(input.toString()), mounted))
                .hasMessageContaining("overlap");
        assertThatThrownBy(() -> OutputFolder.open(
                        input.resolve("out").toString(), false, List.of("viewfs://kv/data/in"), mounted))
                .hasMessageContaining("overlap");
        assertThat(input).isEmptyDirectory();
    }

    @Test
    void aTextThatIsNoPathIsSaidPlainly() {
        assertThatThrownBy(() -> open("data:x", false))
                .hasMessageContaining("Relative path in absolute URI")
                .hasMessageEndingWith("\n  name another folder with --output")
                .message()
                .doesNotContain("Exception");
    }
}
