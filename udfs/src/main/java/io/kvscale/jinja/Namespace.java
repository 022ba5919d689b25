package io.kvscale.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** An object with attributes that a template can set, also inside a loop. */
final class Namespace {
    final Map<String, Object> attributes = new LinkedHashMap<>();
}
