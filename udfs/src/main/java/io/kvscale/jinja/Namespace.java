package io.kvscale.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** An object whose attributes a template may set, also from inside a loop. */
final class Namespace {
    final Map<String, Object> attributes = new LinkedHashMap<>();
}
