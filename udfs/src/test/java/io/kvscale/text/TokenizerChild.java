package io.kvscale.text;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Loads mutated tokenizers and tokenizes hostile texts with them, in a JVM that may be ended by them. */
final class TokenizerChild {
    private TokenizerChild() {}

    /**
     * @param args a folder, the first mutation, the number of mutations, the length of texts, and the tokenizer.json of which
     *     every second mutation is; the others are of the small files and of the families of {@link TokenizerFamiliesTest}
     */
    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]);
        long first = Long.parseLong(args[1]);
        int length = Integer.parseInt(args[3]);
        ObjectNode real =
                (ObjectNode) TokenizerFiles.JSON.readTree(Path.of(args[4]).toFile());
        List<ObjectNode> others = new ArrayList<>();
        for (Object[] family : TokenizerFamiliesTest.families().toList()) {
            others.addAll(List.of(TokenizerFiles.unigram(), TokenizerFiles.wordPiece(), (ObjectNode) family[1]));
        }
        int loaded = 0;
        int encoded = 0;
        for (long i = first; i < first + Long.parseLong(args[2]); i++) {
            var mutated = TokenizerMutation.of(i % 2 == 0 ? real : others.get((int) (i / 2 % others.size())), i);
            Files.write(folder.resolve("tokenizer.json"), TokenizerFiles.JSON.writeValueAsBytes(mutated));
            long start = System.nanoTime();
            try (TextEncoder encoder = TextEncoder.open(folder, TextOptions.DEFAULT, 1 << 20)) {
                loaded++;
                for (String text : texts(length)) {
                    try {
                        encoder.encode(new TextRecord.Plain(text));
                        encoded++;
                    } catch (InvalidDataException e) {
                        // A value, not an abort.
                    }
                }
            } catch (InvalidDataException e) {
                // Refused.
            } catch (RuntimeException e) {
                System.out.println("mutation " + i + ": " + e);
            }
            long millis = (System.nanoTime() - start) / 1_000_000;
            if (millis > 5_000) {
                System.out.println("mutation " + i + " took " + millis + " ms");
            }
        }
        Files.deleteIfExists(folder.resolve("tokenizer.json"));
        System.out.println("done: " + loaded + " loaded, " + encoded + " texts");
        Path status = Path.of("/proc/self/status");
        if (Files.exists(status)) {
            Files.readAllLines(status).stream()
                    .filter(line -> line.startsWith("VmHWM"))
                    .forEach(System.out::println);
        }
    }

    private static List<String> texts(int length) {
        return List.of(
                "The river had risen, 1,234.5 m.\n\n  It's <s><mask> [UNK] \u4e2d\u6587 e\u0301\u0301 \ufdfa\ufb01\u00a0",
                "\u0000\u0001\u0007\ud83d\ude00\uffff\ufeff\u2028\u0301\u200b\r\n\u1d160\ud834\udd60",
                "a".repeat(length),
                " ".repeat(length) + "x",
                "l ".repeat(length / 2),
                "e\u0301 ".repeat(length / 3),
                "1".repeat(length),
                "A".repeat(length) + "\n",
                "\ufdfa".repeat(length / 4),
                "\u0301".repeat(length / 4),
                "<s><mask>the".repeat(length / 20));
    }
}
