package io.kvscale.job.evaluation;

import io.kvscale.job.corpus.read.TextInput;

/**
 * What was evaluated.
 *
 * @param folder the model's folder, as given
 * @param name the model's name by its config.json
 * @param sha256 identifies the model's files: graph, weights, config.json and tokenizer
 * @param layers the number of layers of the model
 * @param texts the texts, as given
 */
public record EvaluationSubject(String folder, String name, String sha256, int layers, TextInput texts) {}
