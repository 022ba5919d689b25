package io.kvscale.job.export;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Names of the folders of strata, whose values are not trusted. */
class StratumFilesTest {
    private static final List<String> VALUES = List.of(
            "de",
            "DE",
            "De",
            "dE ",
            "d e",
            "d-e",
            "d/e",
            "d\\e",
            ".",
            "..",
            "../..",
            "/etc/passwd",
            "_temporary",
            "_SUCCESS",
            ".hidden",
            "-rf",
            "strata.json",
            "a\0b",
            "a\nb",
            "a:b",
            "file:///x",
            "%2e%2e",
            "日本語",
            "日本",
            "İ",
            "i",
            "é",
            "e\u0301",
            "\u202e",
            "😀",
            "x".repeat(40),
            "x".repeat(41),
            "x".repeat(200),
            "{a,b}",
            "*",
            "?",
            "~");

    @Test
    void namesAreSafeAndDifferAlsoWithoutCase() {
        Set<String> names = new TreeSet<>();
        for (String value : VALUES) {
            String name = StratumFiles.name(value);
            assertThat(name).matches("[a-z0-9][a-z0-9_-]{0,60}");
            assertThat(names.add(name.toLowerCase(Locale.ROOT))).as(value).isTrue();
            assertThat(StratumFiles.isFolder("strata/" + name)).isTrue();
            assertThat(StratumFiles.isFile("strata/" + name + "/statistics.kvstats"))
                    .isTrue();
            // A value that looks like the name of another one gets another name.
            if (!name.equals(value)) {
                assertThat(StratumFiles.name(name)).isNotEqualTo(name);
            }
        }
        assertThat(StratumFiles.name("de")).isEqualTo("de");
        assertThat(StratumFiles.name("DE")).isEqualTo("de-6814ef46f686990c");
    }

    @Test
    void otherFilesAreNotOurs() {
        for (String path : List.of(
                "strata/De/statistics.kvstats",
                "strata/de/notes.txt",
                "strata/de/more/statistics.kvstats",
                "strata/../statistics.kvstats",
                "strata/.x/statistics.kvstats",
                "other/de/statistics.kvstats")) {
            assertThat(StratumFiles.isFile(path)).as(path).isFalse();
        }
        assertThat(StratumFiles.isFolder("strata/de/more")).isFalse();
    }
}
