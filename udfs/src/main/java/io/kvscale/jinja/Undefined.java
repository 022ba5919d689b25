package io.kvscale.jinja;

/** What a name, key or attribute that is not there gives: an empty text, false, nothing to loop over. */
record Undefined(String name) {
    TemplateException error() {
        return new TemplateException("'" + name + "' is undefined");
    }
}
