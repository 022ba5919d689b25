package io.kvscale.job.corpus.read;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.job.SharedSpark;
import io.kvscale.job.corpus.plan.EncodedRow;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.job.spark.RetryPolicy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextSplitReaderTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void anUnreadableFileIsRetriedAndThenReported(int attempts) throws IOException {
        InputFile file = new InputFile(folder.resolve("gone.jsonl").toString(), "gone.jsonl", "in", 10);
        TextSplit split = new TextSplit(new ArrayList<>(List.of(new FilePiece(file, 0, 10))), new long[] {0});
        TextSettings settings = Recipe.parse("kv_cache_scheme: {}", "r").text();
        TextModel model = CharacterTokenizer.write(folder.resolve("model"), 0);
        List<byte[]> rows = SharedSpark.context()
                .parallelize(List.of(1), 1)
                .flatMap(one -> new TextSplitReader(
                        split, new Configuration(), new RetryPolicy(attempts), new RecordEncoder(model, settings, 0)))
                .collect();
        assertThat(EncodedRow.fromByteArray(rows.get(0))).isInstanceOfSatisfying(EncodedRow.Failed.class, failed -> {
            assertThat(failed.problem().message()).contains("cannot be read", "in file gone.jsonl");
        });
        assertThat(rows).hasSize(1);
    }
}
