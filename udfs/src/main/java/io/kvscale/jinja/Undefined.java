package io.kvscale.jinja;

/** The value of a missing name, key or attribute: prints as an empty text, is false, has no items. */
record Undefined(String name) {
    TemplateException error() {
        return new TemplateException("'" + name + "' is undefined");
    }
}
