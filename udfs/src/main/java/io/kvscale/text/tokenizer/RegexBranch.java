package io.kvscale.text.tokenizer;

import java.util.List;

/**
 * One alternative of a regular expression.
 *
 * @param shortest minimum number of characters that a match has
 * @param open whether it has an open repetition
 * @param fixed whether every match has the same number of characters, in one way
 */
record RegexBranch(List<RegexItem> items, int shortest, int choices, boolean open, boolean fixed) {
    double steps() {
        return choices * (1 + items.stream().mapToDouble(RegexItem::steps).sum());
    }

    /** Whether it matches at least one character, and nothing can fail after an open repetition. */
    boolean loose() {
        return shortest > 0
                && items.stream().dropWhile(item -> !item.open()).skip(1).noneMatch(RegexItem::canFail);
    }
}
