package io.kvscale.job.command;

import io.kvscale.job.corpus.read.TextInput;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** Options of commands that run a model over texts. */
final class TextArguments extends CommandPart {
    @Option(
            names = "--model",
            paramLabel = "DIR",
            description =
                    "The model folder, with model.onnx, config.json and tokenizer.json: local, on a Hadoop file system,"
                            + " or shipped with --files.")
    private @Nullable String model;

    @Option(
            names = "--text",
            paramLabel = "PATH",
            arity = "1..*",
            preprocessor = PathList.class,
            description = "Texts for the model: folders, files or globs of .txt, .jsonl or .parquet files. After"
                    + " --text -- all words are paths.")
    private List<String> texts = new ArrayList<>();

    @Option(
            names = "--query",
            paramLabel = "SQL",
            description = "Texts for the model: a Spark SQL query, one text per row.")
    private @Nullable String query;

    /** Whether any of these options is given. */
    boolean isGiven() {
        return model != null || !texts.isEmpty() || query != null;
    }

    /**
     * The model folder.
     *
     * @throws ParameterException if it is not given
     */
    String model() {
        String folder = model;
        if (folder == null) {
            throw error("Missing required option: '--model=DIR'");
        }
        return folder;
    }

    /**
     * The source of the texts.
     *
     * @param table the value of the command's {@code --table}; null if not given
     * @throws ParameterException unless exactly one source is given
     */
    TextInput input(@Nullable String table) {
        int ways = (texts.isEmpty() ? 0 : 1) + (query == null ? 0 : 1) + (table == null ? 0 : 1);
        if (ways != 1) {
            throw error(
                    ways == 0
                            ? "Missing required option: '--text=PATH...', '--table=NAME' or '--query=SQL'"
                            : "--text, --table and --query cannot be combined");
        }
        if (table != null && table.isBlank() || query != null && query.isBlank()) {
            throw error((table != null ? "--table" : "--query") + " is empty");
        }
        if (table != null) {
            return TextInput.table(table);
        }
        return query != null ? TextInput.query(query) : TextInput.paths(texts);
    }

    /** The paths that are read: text files and the model. The output folder must not overlap them. */
    List<String> paths() {
        List<String> paths = new ArrayList<>(texts);
        if (model != null) {
            paths.add(model);
        }
        return paths;
    }
}
