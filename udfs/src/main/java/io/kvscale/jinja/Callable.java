package io.kvscale.jinja;

/** A function, macro or method. */
interface Callable {
    Object call(Arguments arguments);
}
