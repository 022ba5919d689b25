package io.kvscale.job.command;

import io.kvscale.job.recipe.Recipe;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.model.config.ModelConfigFile;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option that names the model's config.json. */
final class ModelConfigArgument extends CommandPart {
    @Option(
            names = "--model-config",
            paramLabel = "FILE",
            description = "The model's config.json, or a folder with one: captures and statistics must fit it. It goes"
                    + " before model_config of the recipe.")
    private @Nullable String file;

    /** What config.json says; null if neither this option nor the recipe names one. */
    @Nullable
    ModelConfig read(@Nullable String inRecipe, Configuration hadoop) {
        String path = path(inRecipe);
        return path == null ? null : ModelConfigFile.read(path, hadoop);
    }

    /** The path as given, by this option or in the recipe; null if neither names one. */
    @Nullable
    String path(@Nullable String inRecipe) {
        return file == null ? inRecipe : file;
    }

    /** The recipe for the model, if one is named. */
    Recipe applied(Recipe recipe, Configuration hadoop) {
        ModelConfig model = read(recipe.modelConfig(), hadoop);
        return model == null ? recipe : recipe.withModel(model);
    }

    /** Whether the option is given. */
    boolean isGiven() {
        return file != null;
    }
}
