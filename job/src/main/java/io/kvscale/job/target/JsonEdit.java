package io.kvscale.job.target;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Sets entries of one object in a JSON file. All else in the file stays as it is.
 *
 * @param object the keys that lead to the object, from the top; the object is created if it is missing or null
 * @param entries the values by key: maps, lists, strings, numbers, booleans and nulls
 */
public record JsonEdit(List<String> object, Map<String, ? extends @Nullable Object> entries) {}
