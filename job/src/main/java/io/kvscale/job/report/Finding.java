package io.kvscale.job.report;

import java.util.List;

/**
 * A finding at the top of the page.
 *
 * @param grave true: a warning, the scales may be wrong; false: a note
 * @param title a few words
 * @param text the meaning and the remedy
 * @param cases the slots concerned, the worst first
 */
record Finding(boolean grave, String title, String text, List<Case> cases) {
    /**
     * One occurrence.
     *
     * @param severity orders the cases; comparable within a finding only
     * @param slot id of the slot, for example {@code 12/key}, see {@link ReportData#id}
     */
    record Case(double severity, String slot, String text) {}
}
