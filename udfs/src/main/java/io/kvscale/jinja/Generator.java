package io.kvscale.jinja;

import java.util.List;

/** What map, select and the like give: true even if empty, without a length, and empty once it was looped over. */
final class Generator {
    private List<Object> items;

    Generator(List<Object> items) {
        this.items = items;
    }

    List<Object> take() {
        List<Object> taken = items;
        items = List.of();
        return taken;
    }
}
