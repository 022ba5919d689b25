package io.kvscale.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.ChildJvm;
import io.kvscale.tensor.InvalidDataException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * The native tokenizer aborts the JVM on many errors, so mutated files are read in another JVM. Real files are the tiny
 * model's and SmolLM2's, both byte-level BPE. Files of other families (SentencePiece BPE, Unigram with a character map,
 * WordPiece) are derived: the published configurations with small vocabularies.
 */
class HostileTokenizerTest {
    @TempDir
    private Path folder;

    @Test
    @Timeout(value = 120, unit = TimeUnit.SECONDS)
    void aThousandMutationsEndNoJvm() throws Exception {
        mutate(TinyTokenizer.FOLDER.resolve("tokenizer.json"), 1_000);
    }

    /** Too large for this repository: {@code -Dkvscale.models=DIR} names the folder that holds it. */
    @Test
    @Timeout(value = 240, unit = TimeUnit.SECONDS)
    @EnabledIfSystemProperty(named = "kvscale.models", matches = ".+")
    void mutationsOfSmolLm2EndNoJvm() throws Exception {
        mutate(Path.of(System.getProperty("kvscale.models"), "smollm2", "tokenizer.json"), 300);
    }

    private void mutate(Path real, int mutations) throws Exception {
        String output = ChildJvm.run(ChildJvm.of(
                TokenizerChild.class,
                List.of("-Xmx256m", "-XX:TieredStopAtLevel=1", "-Dkvscale.top=" + System.getProperty("kvscale.top")),
                folder.toString(),
                "0",
                Integer.toString(mutations),
                "2000",
                real.toString()));
        Matcher done = Pattern.compile("done: (\\d+) loaded, (\\d+) texts").matcher(output);
        assertThat(done.find()).as(output).isTrue();
        assertThat(Integer.parseInt(done.group(1))).as("loaded").isBetween(mutations / 6, mutations * 9 / 10);
        assertThat(output).doesNotContain("mutation ");
        Matcher memory = Pattern.compile("VmHWM:\\s*(\\d+) kB").matcher(output);
        if (memory.find()) {
            assertThat(Long.parseLong(memory.group(1))).as("kB of memory").isLessThan(1 << 20);
        }
    }

    @Test
    void theSmallFilesOfTheMutationsAreTokenized() throws Exception {
        TextRecord text = new TextRecord.Plain("the tea <s> the river,  \ufb01n 11");
        assertThat(ids(TokenizerFiles.wordPiece(), text)).startsWith(1, 3).endsWith(2);
        assertThat(ids(TokenizerFiles.unigram(), text)).startsWith(1, 11);
    }

    @Test
    void emptyPatternsAndBrokenCharacterMapsAreNamed() {
        var file = TokenizerFiles.bpe();
        file.set("normalizer", TokenizerFiles.json("{'type': 'Replace', 'pattern': {'String': ''}, 'content': 'l'}"));
        assertThatThrownBy(() -> ids(file, new TextRecord.Plain("a")))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("tokenizer.json is invalid: normalizer (Replace): its pattern is empty");
        file.set("normalizer", TokenizerFiles.json("{'type': 'Precompiled', 'precompiled_charsmap': 'AAAAAP////8='}"));
        assertThatThrownBy(() -> ids(file, new TextRecord.Plain("a")))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("normalizer (Precompiled): its character map is cut short");
    }

    private int[] ids(com.fasterxml.jackson.databind.node.ObjectNode file, TextRecord text) throws Exception {
        Files.write(folder.resolve("tokenizer.json"), TokenizerFiles.JSON.writeValueAsBytes(file));
        try (TextEncoder encoder = TextEncoder.open(folder, TextOptions.DEFAULT, 512)) {
            return encoder.encode(text).ids();
        }
    }
}
