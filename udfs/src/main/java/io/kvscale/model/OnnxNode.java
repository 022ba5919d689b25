package io.kvscale.model;

import java.util.List;

/**
 * One operation of a graph.
 *
 * @param uses its inputs, and the names that graphs inside of its attributes mention
 * @param tagAt where its field begins in the file
 */
record OnnxNode(String operator, List<String> uses, List<String> outputs, long tagAt) {}
