package io.kvscale.input;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.ChildJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.UserPrincipal;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Folders of killed processes are deleted, those of living ones are not. */
class TemporaryFolderTest {
    private static final FileTime LONG_AGO = FileTime.fromMillis(0);

    @TempDir
    private Path work;

    /** Creates a folder, prints its path and waits to be killed. */
    public static void main(String[] arguments) throws Exception {
        try (TemporaryFolder folder = TemporaryFolder.in(Path.of(arguments[0]), "mine-")) {
            System.out.println(folder.path());
            Thread.sleep(60_000);
        }
    }

    @Test
    void aFolderLivesAsLongAsItsProcess() throws Exception {
        Process process = ChildJvm.of(TemporaryFolderTest.class, List.of("-XX:TieredStopAtLevel=1"), work.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (var lines = process.inputReader()) {
            Path folder = Path.of(lines.readLine());
            assertThat(folder.getFileName().toString()).startsWith("mine-" + process.pid() + "-");
            Files.setLastModifiedTime(folder.resolve(".lock"), LONG_AGO);
            TemporaryFolder.in(work, "mine-").close();
            assertThat(folder).exists();
            process.destroyForcibly();
            assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(folder).exists();
            TemporaryFolder.in(work, "other-").close();
            assertThat(folder).exists();
            TemporaryFolder.in(work, "mine-").close();
            assertThat(work).isEmptyDirectory();
        } finally {
            process.destroyForcibly();
        }
    }

    /** In a container every run has the process id 1. */
    @Test
    void aFolderOfAnEarlierProcessWithTheSameIdIsDeleted() throws IOException {
        Path earlier = Files.createDirectory(
                work.resolve("mine-" + ProcessHandle.current().pid() + "-123"));
        Files.createDirectories(earlier.resolve("blockmgr/0a"));
        Files.setLastModifiedTime(Files.createFile(earlier.resolve(".lock")), LONG_AGO);
        TemporaryFolder.in(work, "mine-").close();
        assertThat(work).isEmptyDirectory();
    }

    /** The process was killed before it could create the file with the lock. */
    @Test
    void anOldFolderWithoutAFileIsDeletedIfItIsEmpty() throws IOException {
        Path empty = Files.createDirectory(work.resolve("mine-1-empty"));
        Files.setLastModifiedTime(empty, LONG_AGO);
        Path full = Files.createDirectory(work.resolve("mine-2-full"));
        Path data = Files.createFile(full.resolve("data"));
        Files.setLastModifiedTime(full, LONG_AGO);
        Path young = Files.createDirectory(work.resolve("mine-3-young"));
        TemporaryFolder.in(work, "mine-").close();
        assertThat(empty).doesNotExist();
        assertThat(data).exists();
        assertThat(young).exists();
    }

    @Test
    void foldersOfAnotherUserAreKept() throws IOException {
        Path foreign = Files.createDirectory(work.resolve("mine-1-foreign"));
        Files.setLastModifiedTime(Files.createFile(foreign.resolve(".lock")), LONG_AGO);
        Path empty = Files.createDirectory(work.resolve("mine-2-empty"));
        Files.setLastModifiedTime(empty, LONG_AGO);
        try {
            UserPrincipal other =
                    work.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody");
            Files.setOwner(foreign, other);
            Files.setOwner(empty, other);
        } catch (IOException e) {
            Assumptions.abort("only root can give folders to another user");
        }
        TemporaryFolder.in(work, "mine-").close();
        assertThat(foreign.resolve(".lock")).exists();
        assertThat(empty).exists();
    }

    @Test
    void otherFilesAreKept() throws IOException {
        Path without = Files.createDirectory(work.resolve("mine-1-without"));
        Path file = Files.createFile(work.resolve("mine-2-file"));
        Path elsewhere = Files.createDirectory(work.resolve("elsewhere"));
        Files.setLastModifiedTime(Files.createFile(elsewhere.resolve(".lock")), LONG_AGO);
        Path link = Files.createSymbolicLink(work.resolve("mine-3-link"), elsewhere);
        Path young = Files.createDirectory(work.resolve("mine-4-young"));
        Files.createFile(young.resolve(".lock"));
        try (TemporaryFolder first = TemporaryFolder.in(work, "mine-");
                TemporaryFolder second = TemporaryFolder.in(work, "mine-")) {
            Files.setLastModifiedTime(first.path().resolve(".lock"), LONG_AGO);
            TemporaryFolder.in(work, "mine-").close();
            assertThat(first.path()).isNotEqualTo(second.path()).exists();
        }
        assertThat(work).isDirectoryContaining(without::equals);
        assertThat(work).isDirectoryContaining(file::equals);
        assertThat(work).isDirectoryContaining(link::equals);
        assertThat(work).isDirectoryContaining(young::equals);
        assertThat(elsewhere.resolve(".lock")).exists();
    }
}
