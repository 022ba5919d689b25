package io.kvscale.job.command;

import io.kvscale.job.corpus.read.TextInput;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What commands that run a model over texts take. */
final class TextArguments {
    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description =
                    "A model's folder: model.onnx, config.json, tokenizer.json; local, of any Hadoop file system, or"
                            + " what --files brought.")
    private @Nullable String model;

    @Option(
            names = "--text",
            paramLabel = "PATH",
            arity = "1..*",
            description = "Texts for the model: folders, files or globs of .txt, .jsonl or .parquet.")
    private List<String> texts = new ArrayList<>();

    @Option(
            names = "--query",
            paramLabel = "SQL",
            description = "Texts for the model: what Spark SQL gives, a row a text.")
    private @Nullable String query;

    /** Whether any of these options is there. */
    boolean isGiven() {
        return model != null || !texts.isEmpty() || query != null;
    }

    /** The model's folder. @throws ParameterException if it is not named */
    String model() {
        String folder = model;
        if (folder == null) {
            throw error("Missing required option: '--model=DIR'");
        }
        return folder;
    }

    /**
     * Where the texts are.
     *
     * @param table a table or view that Spark knows, which the command was given too
     * @throws ParameterException if that is not said once
     */
    TextInput input(@Nullable String table) {
        int ways = (texts.isEmpty() ? 0 : 1) + (query == null ? 0 : 1) + (table == null ? 0 : 1);
        if (ways != 1) {
            throw error(
                    ways == 0
                            ? "Missing required option: '--text=PATH...', '--table=NAME' or '--query=SQL'"
                            : "--text, --table and --query stand in place of each other");
        }
        if (table != null && table.isBlank() || query != null && query.isBlank()) {
            throw error((table != null ? "--table" : "--query") + " is empty");
        }
        if (table != null) {
            return TextInput.table(table);
        }
        return query != null ? TextInput.query(query) : TextInput.paths(texts);
    }

    /** What is read, and so must lie outside of the output: the model and the files of text. */
    List<String> paths() {
        List<String> paths = new ArrayList<>(texts);
        if (model != null) {
            paths.add(model);
        }
        return paths;
    }

    private ParameterException error(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
