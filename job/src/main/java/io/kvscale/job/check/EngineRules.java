package io.kvscale.job.check;

import io.kvscale.tensor.Role;

/**
 * The rules of one engine: what it does with a model's config, and which tensor becomes which parameter. A new engine is
 * one class with its test, and one line in {@link ScaleCheck#ENGINES}.
 */
interface EngineRules {
    /** The word of {@code --for}, such as {@code vllm}. */
    String target();

    /** The engine and the versions that the rules were read from, such as {@code vLLM 0.33.0}. */
    String versions();

    /** What the engine does with the scales, by the config. */
    LoadPlan plan(CheckedModel model);

    /** The parameter that a tensor of the checkpoint becomes; names that the engine does not know stay. */
    String parameter(String tensor, CheckedModel model);

    /** The parameter that holds the scale of a layer's attention module. */
    String parameterOf(String module, Role role, CheckedModel model);
}
