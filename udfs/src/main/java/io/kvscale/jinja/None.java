package io.kvscale.jinja;

/** Python's None. */
enum None {
    NONE
}
