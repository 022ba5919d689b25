package io.kvscale.jinja;

import java.util.List;

/** The variable {@code loop} in a loop. */
final class Loop {
    private final List<Object> items;
    private int at = -1;

    Loop(List<Object> items) {
        this.items = items;
    }

    boolean advance() {
        return ++at < items.size();
    }

    Object current() {
        return items.get(at);
    }

    Object attribute(String name) {
        return switch (name) {
            case "index" -> at + 1L;
            case "index0" -> (long) at;
            case "revindex" -> (long) items.size() - at;
            case "revindex0" -> items.size() - at - 1L;
            case "first" -> at == 0;
            case "last" -> at == items.size() - 1;
            case "length" -> (long) items.size();
            case "previtem" -> at == 0 ? new Undefined("there is no previous item") : items.get(at - 1);
            case "nextitem" -> at + 1 == items.size() ? new Undefined("there is no next item") : items.get(at + 1);
            case "depth" -> 1L;
            case "depth0" -> 0L;
            case "cycle" ->
                (Callable) arguments -> {
                    if (arguments.positional().isEmpty() || !arguments.named().isEmpty()) {
                        throw new TemplateException("cycle takes items");
                    }
                    return arguments
                            .positional()
                            .get(at % arguments.positional().size());
                };
            default -> throw TemplateException.unsupported("loop." + name);
        };
    }
}
