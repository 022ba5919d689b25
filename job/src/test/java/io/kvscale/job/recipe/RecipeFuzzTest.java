package io.kvscale.job.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Mutated recipes are either read or refused with a recipe error. */
class RecipeFuzzTest {
    private static final int MUTANTS = 8_000;
    private static final List<String> PIECES = List.of(
            "&a ",
            "*a",
            "<<: ",
            "!!int ",
            "!x ",
            "{",
            "}",
            "[",
            "]",
            ": ",
            "- ",
            "? ",
            "|",
            ">",
            "'",
            "\"",
            "#",
            "\n",
            "\n  ",
            "\t",
            "null",
            "true",
            "-1",
            "1e999",
            ".nan",
            "0x",
            "99999999999",
            "\u0000",
            "\uD800",
            "---\n",
            "%YAML 9",
            "kv_cache_scheme: ",
            "kvscale: ",
            "group_size: ",
            "(?P<layer>",
            "{1000}",
            "\\",
            "2001-01-01",
            "1:2:3");

    private static List<String> seeds() throws IOException {
        List<String> seeds = new ArrayList<>(List.of(RecipeTest.CONTRACT, RecipeTest.FULL));
        for (Path file : RecipeFileTest.shipped()) {
            seeds.add(Files.readString(file));
        }
        return seeds;
    }

    private static String mutate(String seed, Random random) {
        StringBuilder text = new StringBuilder(seed);
        for (int edits = 1 + random.nextInt(4); edits > 0; edits--) {
            int at = random.nextInt(text.length() + 1);
            int end = Math.min(text.length(), at + random.nextInt(12));
            switch (random.nextInt(5)) {
                case 0 -> text.insert(at, PIECES.get(random.nextInt(PIECES.size())));
                case 1 -> text.delete(at, end);
                case 2 -> text.insert(random.nextInt(text.length() + 1), text.substring(at, end));
                case 3 -> text.replace(at, end, PIECES.get(random.nextInt(PIECES.size())));
                default ->
                    text.insert(at, (char) (random.nextInt(8) == 0 ? random.nextInt(0x10000) : random.nextInt(128)));
            }
        }
        return text.toString();
    }

    @Test
    @Timeout(60)
    void everyMutantIsReadOrRefused() throws IOException {
        List<String> seeds = seeds();
        int read = 0;
        for (int i = 0; i < MUTANTS; i++) {
            String mutant = mutate(seeds.get(i % seeds.size()), new Random(i));
            try {
                Recipe recipe = Recipe.parse(mutant, "mutant");
                read++;
                for (Role role : Role.values()) {
                    if (!recipe.schemes().covers(role)) {
                        continue;
                    }
                    assertThat(KvCacheScheme.parse(
                                    KvCacheScheme.fields(recipe.schemes().of(new Slot(0, role)))))
                            .isEqualTo(recipe.schemes().of(new Slot(0, role)));
                }
            } catch (RecipeException e) {
                assertThat(e.toString().lines().count()).isEqualTo(3);
            } catch (RuntimeException | StackOverflowError e) {
                fail("seed " + i + ":\n" + mutant, e);
            }
        }
        assertThat(read).isBetween(MUTANTS / 20, MUTANTS * 19 / 20);
    }
}
