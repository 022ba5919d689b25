package io.kvscale.job.report;

import java.util.List;

/**
 * Something that the page says before all else.
 *
 * @param grave whether it may spoil the result, rather than explain it
 * @param title what was found, in a few words
 * @param text what it means and what to do
 * @param cases where, the worst first
 */
record Finding(boolean grave, String title, String text, List<Case> cases) {
    /**
     * One place where something was found.
     *
     * @param slot which slot to show; its layer and role as words of the page's own form, {@code 12/key}, or empty
     */
    record Case(String slot, String text) {}
}
